CREATE EXTERNAL TABLE IF NOT EXISTS wildrydes (
  Name         string,
  StatusTime   timestamp,
  Latitude     float,
  Longitude    float,
  Distance     float,
  HealthPoints int,
  MagicPoints  int
)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
LOCATION 's3://BUCKET/'
