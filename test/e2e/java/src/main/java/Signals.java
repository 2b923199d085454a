import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.client.config.SdkAdvancedClientOption;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.cloudwatch.model.*;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsAsyncClient;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClient;
import software.amazon.awssdk.services.cloudwatchlogs.model.*;
import software.amazon.awssdk.services.sns.SnsClient;
import software.amazon.awssdk.services.sns.model.NotFoundException;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.*;

/** Queues, topics, log groups with a live tail, metrics and an alarm by the SDK for Java 2. */
public class Signals {
    static <B extends AwsClientBuilder<B, C>, C> C client(B builder) {
        return builder.endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL"))).region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            // Live tails go to the endpoint's host with a prefix, which is no name where that is an address.
            .overrideConfiguration(c -> c.putAdvancedOption(SdkAdvancedClientOption.DISABLE_HOST_PREFIX_INJECTION, true))
            .build();
    }

    static void check(boolean ok, Object what) {
        if (!ok) {
            throw new IllegalStateException(String.valueOf(what));
        }
    }

    static <T> T until(Supplier<T> f) throws Exception {
        for (Instant end = Instant.now().plusSeconds(180); Instant.now().isBefore(end); Thread.sleep(50)) {
            T v = f.get();
            if (v != null) {
                return v;
            }
        }
        throw new IllegalStateException("it does not come");
    }

    static void fails(Class<?> kind, Runnable f) {
        try {
            f.run();
        } catch (RuntimeException e) {
            check(kind.isInstance(e), e);
            return;
        }
        throw new IllegalStateException("no " + kind);
    }

    public static void main(String[] args) throws Exception {
        queues();
        logs();
        metrics();
        System.out.println("signals: fine");
        System.exit(0);
    }

    static void queues() throws Exception {
        SqsClient sqs = client(SqsClient.builder());
        String url = sqs.createQueue(r -> r.queueName("java.fifo").attributes(Map.of(QueueAttributeName.FIFO_QUEUE, "true", QueueAttributeName.CONTENT_BASED_DEDUPLICATION, "true"))).queueUrl();
        for (int i = 0; i < 2; i++) { // the second is the first again; the SDK checks MD5s itself
            sqs.sendMessage(r -> r.queueUrl(url).messageBody("one ☃").messageGroupId("g")
                .messageAttributes(Map.of("b", software.amazon.awssdk.services.sqs.model.MessageAttributeValue.builder().dataType("Binary").binaryValue(SdkBytes.fromByteArray(new byte[] {0, -1})).build())));
        }
        sqs.sendMessageBatch(r -> r.queueUrl(url).entries(SendMessageBatchRequestEntry.builder().id("x").messageBody("two").messageGroupId("g").build()));
        List<Message> got = sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10).waitTimeSeconds(5).messageAttributeNames("All").messageSystemAttributeNames(MessageSystemAttributeName.ALL)).messages();
        check(got.size() == 2 && got.get(0).body().equals("one ☃") && got.get(1).body().equals("two"), got);
        check(got.get(0).attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID).equals("g"), got);
        check(got.get(0).messageAttributes().get("b").binaryValue().asByteArray()[1] == -1, got);
        fails(QueueDoesNotExistException.class, () -> sqs.getQueueUrl(r -> r.queueName("none")));

        SnsClient sns = client(SnsClient.builder());
        String plain = sqs.createQueue(r -> r.queueName("java")).queueUrl();
        String arn = sqs.getQueueAttributes(r -> r.queueUrl(plain).attributeNames(QueueAttributeName.QUEUE_ARN)).attributes().get(QueueAttributeName.QUEUE_ARN);
        String topic = sns.createTopic(r -> r.name("java")).topicArn();
        sns.subscribe(r -> r.topicArn(topic).protocol("sqs").endpoint(arn));
        sqs.setQueueAttributes(r -> r.queueUrl(plain).attributes(Map.of(QueueAttributeName.POLICY,
            "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}]}")));
        sns.publish(r -> r.topicArn(topic).message("news"));
        Message m = until(() -> sqs.receiveMessage(r -> r.queueUrl(plain).waitTimeSeconds(2)).messages().stream().findFirst().orElse(null));
        check(m.body().contains("\"Message\" : \"news\"") || m.body().contains("\"Message\":\"news\""), m);
        fails(NotFoundException.class, () -> sns.publish(r -> r.topicArn(topic + "-none").message("x")));
    }

    static void logs() throws Exception {
        CloudWatchLogsClient logs = client(CloudWatchLogsClient.builder());
        logs.createLogGroup(r -> r.logGroupName("java"));
        logs.createLogStream(r -> r.logGroupName("java").logStreamName("s"));
        String arn = logs.describeLogGroups(r -> r.logGroupNamePrefix("java")).logGroups().get(0).logGroupArn();
        CompletableFuture<String> line = new CompletableFuture<>();
        CloudWatchLogsAsyncClient async = client(CloudWatchLogsAsyncClient.builder());
        async.startLiveTail(r -> r.logGroupIdentifiers(arn).logEventFilterPattern("ERROR"), StartLiveTailResponseHandler.builder()
            .onError(line::completeExceptionally)
            .subscriber(StartLiveTailResponseHandler.Visitor.builder()
                .onSessionStart(s -> CompletableFuture.runAsync(() -> put(logs, "INFO one", "ERROR two")))
                .onSessionUpdate(u -> u.sessionResults().stream().findFirst().ifPresent(l -> line.complete(l.message()))).build())
            .build());
        check(line.get(180, TimeUnit.SECONDS).equals("ERROR two"), line);
        put(logs, "{\"level\": \"WARN\", \"ms\": 7}");
        check(logs.filterLogEventsPaginator(r -> r.logGroupName("java").filterPattern("{ $.ms > 6 }")).events().stream().count() == 1, "events");
        long now = Instant.now().getEpochSecond();
        String id = logs.startQuery(r -> r.logGroupName("java").startTime(now - 600).endTime(now + 60).queryString("filter ispresent(ms) | stats max(ms) as most")).queryId();
        GetQueryResultsResponse rows = until(() -> {
            GetQueryResultsResponse r = logs.getQueryResults(q -> q.queryId(id));
            return r.status() == QueryStatus.COMPLETE ? r : null;
        });
        check(rows.results().get(0).get(0).value().equals("7"), rows);
        fails(software.amazon.awssdk.services.cloudwatchlogs.model.ResourceNotFoundException.class, () -> logs.getLogEvents(r -> r.logGroupName("none").logStreamName("s")));
    }

    static void put(CloudWatchLogsClient logs, String... lines) {
        long now = System.currentTimeMillis();
        logs.putLogEvents(r -> r.logGroupName("java").logStreamName("s")
            .logEvents(java.util.Arrays.stream(lines).map(l -> InputLogEvent.builder().message(l).timestamp(now).build()).toList()));
    }

    static void metrics() {
        CloudWatchClient cloudwatch = client(CloudWatchClient.builder());
        Dimension d = Dimension.builder().name("d").value("x").build();
        cloudwatch.putMetricData(r -> r.namespace("Java").metricData(MetricDatum.builder().metricName("m").values(1.0, 2.0, 3.5).counts(1.0, 2.0, 1.0).unit("Count").timestamp(Instant.now()).dimensions(d).build()));
        MetricDataResult sum = cloudwatch.getMetricData(r -> r.startTime(Instant.now().minus(Duration.ofMinutes(5))).endTime(Instant.now().plusSeconds(60)).metricDataQueries(
            MetricDataQuery.builder().id("m").returnData(false).metricStat(s -> s.metric(m -> m.namespace("Java").metricName("m").dimensions(d)).period(60).stat("Sum")).build(),
            MetricDataQuery.builder().id("e").expression("m * 2").build())).metricDataResults().get(0);
        check(sum.values().equals(List.of(17.0)), sum);
        cloudwatch.putMetricAlarm(r -> r.alarmName("java").namespace("Java").metricName("m").statistic(Statistic.SUM).period(60).evaluationPeriods(1).threshold(1.0).comparisonOperator(ComparisonOperator.GREATER_THAN_THRESHOLD));
        cloudwatch.setAlarmState(r -> r.alarmName("java").stateValue(StateValue.ALARM).stateReason("tried"));
        check(cloudwatch.describeAlarms(r -> r.alarmNames("java")).metricAlarms().get(0).threshold() == 1.0, "alarm");
        fails(CloudWatchException.class, () -> cloudwatch.putMetricData(r -> r.namespace(":x").metricData(MetricDatum.builder().metricName("m").value(1.0).build())));
        fails(CloudWatchException.class, () -> cloudwatch.getDashboard(r -> r.dashboardName("none")));
    }
}
