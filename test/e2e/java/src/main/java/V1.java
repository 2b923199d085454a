import com.amazonaws.services.kinesis.AmazonKinesis;
import com.amazonaws.services.kinesis.AmazonKinesisClientBuilder;
import java.nio.ByteBuffer;
import software.amazon.awssdk.services.kinesis.KinesisClient;

/** Puts a record by the SDK v1, which knows AWS's names alone, and finds it by the SDK v2. Neither is configured. */
public class V1 {
    public static void main(String[] args) {
        AmazonKinesis v1 = AmazonKinesisClientBuilder.defaultClient();
        v1.createStream("from-java-v1", 1);
        while (!v1.describeStream("from-java-v1").getStreamDescription().getStreamStatus().equals("ACTIVE")) {
            Thread.onSpinWait();
        }
        v1.putRecord("from-java-v1", ByteBuffer.wrap("text".getBytes()), "k");
        try (KinesisClient v2 = KinesisClient.create()) {
            String at = v2.getShardIterator(r -> r.streamName("from-java-v1").shardId("shardId-000000000000").shardIteratorType("TRIM_HORIZON")).shardIterator();
            System.out.println("read " + v2.getRecords(r -> r.shardIterator(at)).records().get(0).data().asUtf8String());
        }
        System.exit(0);
    }
}
