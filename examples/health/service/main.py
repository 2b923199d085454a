"""Takes vital signs over HTTP, refuses what cannot be, and puts the rest into a stream."""
import json
import os
from datetime import datetime

import boto3
from dotenv import load_dotenv
from fastapi import FastAPI
from pydantic import BaseModel, field_validator, model_validator

load_dotenv()
kinesis = boto3.client(
    "kinesis",
    aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    aws_session_token=os.environ.get("AWS_SESSION_TOKEN") or None,
    region_name=os.environ["AWS_REGION"],
)
app = FastAPI(title="Health")


class PatientStats(BaseModel):
    blood_pressure_diastolic: float
    blood_pressure_systolic: float
    body_temperature: float
    glucose_level: float
    heart_rate: float
    oxygen_saturation: float
    patient: str
    respiratory_rate: float
    time: datetime

    @field_validator("oxygen_saturation")
    @classmethod
    def share(cls, value):
        if not 0 <= value <= 100:
            raise ValueError("oxygen_saturation is a percentage")
        return value

    @model_validator(mode="after")
    def pressures(self):
        if self.blood_pressure_diastolic >= self.blood_pressure_systolic:
            raise ValueError("the diastolic pressure is below the systolic")
        return self


class ErrorMessage(BaseModel):
    error_message: str
    payload: str
    status_code: int


def put(stream, model):
    return kinesis.put_records(
        StreamName=stream,
        Records=[{"Data": json.dumps(model.model_dump(), indent=4, sort_keys=True, default=str), "PartitionKey": "partition_key"}],
    )


@app.post("/patient_stats/")
def patient_stats(stats: PatientStats):
    return put("patient_stats", stats)


@app.post("/error_message/")
def error_message(message: ErrorMessage):
    return put("error_message", message)
