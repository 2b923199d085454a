import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.services.kinesis.producer.*;
import com.google.common.util.concurrent.ListenableFuture;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.*;
import java.util.concurrent.TimeUnit;

/** Puts records through the Kinesis Producer Library, which packs many into one. */
public class Produce {
    public static void main(String[] args) throws Exception {
        URI endpoint = URI.create(System.getenv("AWS_ENDPOINT_URL"));
        int count = Integer.parseInt(args[1]);
        KinesisProducerConfiguration c = new KinesisProducerConfiguration()
            .setKinesisEndpoint(endpoint.getHost()).setKinesisPort(endpoint.getPort())
            .setCloudwatchEndpoint(endpoint.getHost()).setCloudwatchPort(endpoint.getPort())
            .setStsEndpoint(endpoint.getHost()).setStsPort(endpoint.getPort())
            .setVerifyCertificate(false).setRegion("us-east-1").setMetricsLevel("none").setLogLevel("warning")
            .setTempDirectory(args[2])
            .setCredentialsProvider(new AWSStaticCredentialsProvider(new BasicAWSCredentials("test", "test")));
        KinesisProducer producer = new KinesisProducer(c);
        List<ListenableFuture<UserRecordResult>> results = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            results.add(producer.addUserRecord(args[0], "key-" + i % 100, ByteBuffer.wrap(("record " + i).getBytes())));
        }
        Set<String> numbers = new HashSet<>();
        for (ListenableFuture<UserRecordResult> f : results) {
            UserRecordResult r = f.get(180, TimeUnit.SECONDS);
            if (!r.isSuccessful()) {
                throw new IllegalStateException("failed: " + r.getAttempts().get(0).getErrorMessage());
            }
            numbers.add(r.getSequenceNumber());
        }
        producer.flushSync();
        producer.destroy();
        System.out.println("ok " + results.size() + " records in " + numbers.size());
    }
}
