package e2e

import "testing"

func TestGlueJobsBoto3(t *testing.T) {
	Start(t).Python(t, "glue_jobs.py")
}

const glueJobsConfig = `
resource "aws_iam_role" "glue" {
  name               = "tf-glue-jobs"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "glue.amazonaws.com" } }] })
}

resource "aws_glue_connection" "net" {
  name            = "net"
  connection_type = "NETWORK"
}

resource "aws_glue_job" "batch" {
  name              = "batch"
  role_arn          = aws_iam_role.glue.arn
  glue_version      = "4.0"
  worker_type       = "G.1X"
  number_of_workers = 2
  max_retries       = 1
  timeout           = 60
  connections       = [aws_glue_connection.net.name]
  command {
    script_location = "s3://tf-scripts/batch.py"
    python_version  = "3"
  }
  default_arguments         = { "--job-language" = "python", "--enable-metrics" = "true" }
  non_overridable_arguments = { "--fixed" = "1" }
  execution_property {
    max_concurrent_runs = 3
  }
  notification_property {
    notify_delay_after = 5
  }
  tags = { team = "data" }
}

resource "aws_glue_job" "stream" {
  name     = "stream"
  role_arn = aws_iam_role.glue.arn
  command {
    name            = "gluestreaming"
    script_location = "s3://tf-scripts/stream.py"
  }
}

resource "aws_glue_job" "shell" {
  name         = "shell"
  role_arn     = aws_iam_role.glue.arn
  max_capacity = 0.0625
  command {
    name            = "pythonshell"
    script_location = "s3://tf-scripts/shell.py"
    python_version  = "3.9"
  }
}

resource "aws_glue_workflow" "w" {
  name                   = "w"
  description            = "a workflow"
  default_run_properties = { a = "1" }
  max_concurrent_runs    = 2
}

resource "aws_glue_trigger" "first" {
  name          = "first"
  type          = "SCHEDULED"
  schedule      = "cron(15 12 * * ? *)"
  workflow_name = aws_glue_workflow.w.name
  actions {
    job_name  = aws_glue_job.batch.name
    arguments = { "--x" = "1" }
  }
  tags = { team = "data" }
}

resource "aws_glue_trigger" "then" {
  name          = "then"
  type          = "CONDITIONAL"
  workflow_name = aws_glue_workflow.w.name
  actions {
    job_name = aws_glue_job.shell.name
  }
  predicate {
    conditions {
      job_name = aws_glue_job.batch.name
      state    = "SUCCEEDED"
    }
  }
}

resource "aws_glue_trigger" "by_hand" {
  name = "by-hand"
  type = "ON_DEMAND"
  actions {
    job_name = aws_glue_job.batch.name
  }
}

resource "aws_glue_registry" "r" {
  registry_name = "r"
  description   = "a registry"
}

resource "aws_glue_schema" "s" {
  schema_name       = "s"
  registry_arn      = aws_glue_registry.r.arn
  data_format       = "AVRO"
  compatibility     = "BACKWARD"
  schema_definition = jsonencode({ type = "record", name = "r", fields = [{ name = "a", type = "string" }] })
}
`
