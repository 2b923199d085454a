import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.*;
import software.amazon.awssdk.utils.AttributeMap;

/** Reads a shard through enhanced fan-out, as the Kinesis Client Library does, until it ends. */
public class Subscribe {
    public static void main(String[] args) throws Exception {
        URI endpoint = URI.create(System.getenv("AWS_ENDPOINT_URL"));
        KinesisAsyncClient kinesis = KinesisAsyncClient.builder()
            .endpointOverride(endpoint)
            .region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .httpClient(NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP2)
                .buildWithDefaults(AttributeMap.builder().put(SdkHttpConfigurationOption.TRUST_ALL_CERTIFICATES, true).build()))
            .build();
        String stream = "java" + System.currentTimeMillis();
        kinesis.createStream(r -> r.streamName(stream).shardCount(1)).join();
        String arn = kinesis.describeStreamSummary(r -> r.streamName(stream)).join().streamDescriptionSummary().streamARN();
        String consumer = kinesis.registerStreamConsumer(r -> r.streamARN(arn).consumerName("java")).join().consumer().consumerARN();
        String shard = "shardId-000000000000";

        List<String> got = new ArrayList<>();
        List<String> children = new ArrayList<>();
        StringBuilder last = new StringBuilder();
        CompletableFuture<Void> ready = new CompletableFuture<>();
        SubscribeToShardResponseHandler handler = SubscribeToShardResponseHandler.builder()
            .onResponse(r -> ready.complete(null))
            .onError(e -> System.out.println("error " + e))
            .subscriber(SubscribeToShardResponseHandler.Visitor.builder().onSubscribeToShardEvent(e -> {
                for (software.amazon.awssdk.services.kinesis.model.Record rec : e.records()) {
                    got.add(rec.partitionKey() + "=" + rec.data().asUtf8String());
                    if (Duration.between(rec.approximateArrivalTimestamp(), Instant.now()).abs().toMinutes() > 1) {
                        throw new IllegalStateException("arrived at " + rec.approximateArrivalTimestamp());
                    }
                }
                if (e.continuationSequenceNumber() != null) {
                    last.setLength(0);
                    last.append(e.continuationSequenceNumber());
                }
                e.childShards().forEach(c -> children.add(c.shardId() + c.parentShards()));
            }).build()).build();
        long begun = System.nanoTime();
        CompletableFuture<Void> done = kinesis.subscribeToShard(SubscribeToShardRequest.builder()
            .consumerARN(consumer).shardId(shard).startingPosition(p -> p.type(ShardIteratorType.LATEST)).build(), handler);
        ready.get(120, TimeUnit.SECONDS);

        // A second subscription comes too early, unless five seconds have gone by on a machine that is busy.
        if (System.nanoTime() - begun < 2_000_000_000L) try {
            kinesis.subscribeToShard(SubscribeToShardRequest.builder().consumerARN(consumer).shardId(shard)
                .startingPosition(p -> p.type(ShardIteratorType.LATEST)).build(),
                SubscribeToShardResponseHandler.builder().subscriber(e -> { }).build()).get(120, TimeUnit.SECONDS);
            throw new IllegalStateException("two subscriptions at once");
        } catch (java.util.concurrent.ExecutionException e) {
            if (!(e.getCause() instanceof ResourceInUseException)) {
                throw e;
            }
        }
        for (int i = 0; i < 100; i++) {
            int n = i;
            kinesis.putRecord(r -> r.streamName(stream).partitionKey("k").data(SdkBytes.fromUtf8String("record " + n))).join();
        }
        kinesis.splitShard(r -> r.streamName(stream).shardToSplit(shard).newStartingHashKey("170141183460469231731687303715884105728")).join();
        done.get(120, TimeUnit.SECONDS);
        if (got.size() != 100 || !got.get(99).equals("k=record 99") || children.size() != 2 || !children.get(0).contains("[" + shard + "]")) {
            throw new IllegalStateException(got.size() + " records, children " + children);
        }
        // The continuation brings the reader back to the end.
        CompletableFuture<Void> again = kinesis.subscribeToShard(SubscribeToShardRequest.builder().consumerARN(consumer).shardId(shard)
            .startingPosition(p -> p.type(ShardIteratorType.AFTER_SEQUENCE_NUMBER).sequenceNumber(last.toString())).build(), handler);
        again.get(120, TimeUnit.SECONDS);
        if (got.size() != 100 || children.size() != 4) {
            throw new IllegalStateException("after the continuation: " + got.size() + " records, children " + children);
        }
        // A consumer that is not there.
        try {
            kinesis.subscribeToShard(SubscribeToShardRequest.builder().consumerARN(consumer + "1").shardId(shard)
                .startingPosition(p -> p.type(ShardIteratorType.LATEST)).build(), handler).join();
            throw new IllegalStateException("subscribed with no consumer");
        } catch (CompletionException e) {
            if (!(e.getCause() instanceof ResourceNotFoundException)) {
                throw e;
            }
        }
        kinesis.deleteStream(r -> r.streamName(stream).enforceConsumerDeletion(true)).join();
        kinesis.close();
        System.out.println("ok");
    }
}
