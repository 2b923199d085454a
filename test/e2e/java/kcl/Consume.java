import java.io.FileWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsAsyncClientBuilder;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.utils.AttributeMap;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.lifecycle.events.*;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * A worker of the Kinesis Client Library 3: STREAM APPLICATION WORKER FILE polling|fanout. A line of FILE is a record
 * ("time shard key data"), or an event of a lease ("time shard EVENT name"). A line on its input ends it with a handoff.
 */
public class Consume {
    static FileWriter out;

    static synchronized void say(String line) {
        try {
            out.write(System.currentTimeMillis() + " " + line + "\n");
            out.flush();
        } catch (java.io.IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static <B extends AwsAsyncClientBuilder<B, C> & AwsClientBuilder<B, C>, C> C client(B builder, Protocol protocol) {
        return builder.endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL")))
            .region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .httpClient(NettyNioAsyncHttpClient.builder().protocol(protocol).maxConcurrency(100)
                .buildWithDefaults(AttributeMap.builder().put(SdkHttpConfigurationOption.TRUST_ALL_CERTIFICATES, true).build()))
            .build();
    }

    static class Processor implements ShardRecordProcessor {
        private String shard;

        public void initialize(InitializationInput in) {
            shard = in.shardId();
            say(shard + " EVENT initialize");
        }

        public void processRecords(ProcessRecordsInput in) {
            for (KinesisClientRecord r : in.records()) {
                byte[] data = new byte[r.data().remaining()];
                r.data().get(data);
                say(shard + " " + r.partitionKey() + " " + new String(data, StandardCharsets.UTF_8));
            }
            try {
                if (!in.records().isEmpty()) {
                    in.checkpointer().checkpoint();
                }
            } catch (Exception e) {
                say(shard + " EVENT checkpoint-" + e.getClass().getSimpleName());
            }
        }

        public void leaseLost(LeaseLostInput in) {
            say(shard + " EVENT lost");
        }

        public void shardEnded(ShardEndedInput in) {
            end("ended", in.checkpointer());
        }

        public void shutdownRequested(ShutdownRequestedInput in) {
            end("requested", in.checkpointer());
        }

        private void end(String event, software.amazon.kinesis.processor.RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
                say(shard + " EVENT " + event);
            } catch (Exception e) {
                say(shard + " EVENT " + event + "-" + e.getClass().getSimpleName());
            }
        }
    }

    public static void main(String[] args) throws Exception {
        String stream = args[0], application = args[1], worker = args[2];
        out = new FileWriter(args[3], true);
        boolean polling = args[4].equals("polling");
        KinesisAsyncClient kinesis = client(KinesisAsyncClient.builder(), Protocol.HTTP2);
        DynamoDbAsyncClient dynamo = client(DynamoDbAsyncClient.builder(), Protocol.HTTP1_1);
        CloudWatchAsyncClient cloudwatch = client(CloudWatchAsyncClient.builder(), Protocol.HTTP1_1);
        SingleStreamTracker tracker = new SingleStreamTracker(stream,
            InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
        ConfigsBuilder c = new ConfigsBuilder(tracker, application, kinesis, dynamo, cloudwatch, worker, Processor::new);
        var retrieval = c.retrievalConfig();
        if (polling) {
            retrieval.retrievalSpecificConfig(new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(200));
        }
        var leases = c.leaseManagementConfig().failoverTimeMillis(3000).shardSyncIntervalMillis(1000)
            .leasesRecoveryAuditorExecutionFrequencyMillis(2000);
        leases.workerUtilizationAwareAssignmentConfig().inMemoryWorkerMetricsCaptureFrequencyMillis(500)
            .workerMetricsReporterFreqInMillis(1000);
        leases.gracefulLeaseHandoffConfig().gracefulLeaseHandoffTimeoutMillis(5000);
        Scheduler scheduler = new Scheduler(c.checkpointConfig(), c.coordinatorConfig().parentShardPollIntervalMillis(500)
            .shardConsumerDispatchPollIntervalMillis(200).schedulerInitializationBackoffTimeMillis(200), leases,
            c.lifecycleConfig(), c.metricsConfig().metricsBufferTimeMillis(2000), c.processorConfig(), retrieval);
        Thread run = new Thread(scheduler, "scheduler");
        run.start();
        System.in.read();
        boolean graceful = false;
        try {
            graceful = scheduler.startGracefulShutdown().get(30, TimeUnit.SECONDS);
        } catch (TimeoutException e) { // threads of the library would keep the process
        }
        say("worker EVENT " + (graceful ? "shutdown" : "shutdown-failed"));
        System.exit(0);
    }
}
