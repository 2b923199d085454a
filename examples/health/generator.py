#!/usr/bin/env python3
"""Sends vital signs to the service; about one of ten breaks a rule, and is reported to it as an error."""
import argparse
import random
import time
from datetime import datetime, timezone

import requests

PATIENTS = ["Ada Brook", "Ben Carter", "Chen Li", "Dara Okafor"]


def reading(rng):
    diastolic, systolic, oxygen = rng.uniform(60, 90), rng.uniform(100, 140), rng.uniform(94, 100)
    fault = rng.random()
    if fault < 0.05:
        diastolic, systolic = systolic, diastolic
    elif fault < 0.1:
        oxygen += 20
    return {
        "blood_pressure_diastolic": round(diastolic, 1),
        "blood_pressure_systolic": round(systolic, 1),
        "body_temperature": round(rng.uniform(36, 38.5), 1),
        "glucose_level": round(rng.uniform(70, 140), 1),
        "heart_rate": round(rng.uniform(55, 110), 1),
        "oxygen_saturation": round(oxygen, 1),
        "patient": rng.choice(PATIENTS),
        "respiratory_rate": round(rng.uniform(12, 20), 1),
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S"),
    }


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--url", default="http://127.0.0.1:8000")
    args.add_argument("--count", type=int, default=0, help="how many readings; 0 goes on")
    args.add_argument("--every", type=float, default=1, help="seconds between two readings")
    args.add_argument("--seed", type=int)
    args = args.parse_args()
    rng, sent, refused = random.Random(args.seed), 0, 0
    while not args.count or sent < args.count:
        payload = reading(rng)
        answer = requests.post(args.url + "/patient_stats/", json=payload, timeout=30)
        sent += 1
        if answer.status_code == 422:
            refused += 1
            requests.post(args.url + "/error_message/", timeout=30, json={
                "error_message": answer.text, "payload": str(payload), "status_code": answer.status_code,
            }).raise_for_status()
        else:
            answer.raise_for_status()
        time.sleep(args.every)
    print(f"{sent} readings sent, {refused} of them refused")


if __name__ == "__main__":
    main()
