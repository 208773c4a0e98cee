-- Run once, when the cluster is made: the databases beside `marketlake`. Checked for syntax and settings, not run.
CREATE DATABASE mlflow;
CREATE DATABASE dagster;
