CREATE DATABASE IF NOT EXISTS peer ENGINE = Atomic;

CREATE TABLE IF NOT EXISTS peer.counts
(
    agency LowCardinality(String),
    window DateTime('UTC'),
    kind LowCardinality(String),
    events UInt64
)
ENGINE = SummingMergeTree
ORDER BY (window, agency, kind);

CREATE TABLE IF NOT EXISTS peer.queue
(
    agency String,
    kind String,
    occurred_at DateTime64(6, 'UTC')
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '{kafka}',
    kafka_security_protocol = 'sasl_plaintext',
    kafka_sasl_mechanism = 'PLAIN',
    kafka_sasl_username = '{user}',
    kafka_sasl_password = '{password}',
    kafka_topic_list = '{topic}',
    kafka_group_name = '{group}',
    kafka_format = 'JSONEachRow',
    date_time_input_format = 'best_effort';

CREATE MATERIALIZED VIEW IF NOT EXISTS peer.counting TO peer.counts AS
SELECT agency, toStartOfFiveMinutes(occurred_at) AS window, kind, count() AS events
FROM peer.queue
GROUP BY agency, window, kind
