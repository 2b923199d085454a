import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.brookmere.junit.Brookmere;
import com.brookmere.junit.BrookmereExtension;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.kinesis.KinesisClient;

@ExtendWith(BrookmereExtension.class)
class ClicksTest {
    private static String last = "";

    @Test
    void one(Brookmere node) {
        use(node);
    }

    @Test
    void other(Brookmere node) {
        use(node);
    }

    private static void use(Brookmere node) {
        assertNotEquals(last, node.account());
        last = node.account();
        try (KinesisClient kinesis = KinesisClient.create()) {
            assertEquals(List.of(), kinesis.listStreams().streamNames()); // although the other test has made one
            kinesis.createStream(r -> r.streamName("clicks").shardCount(1));
            String arn = kinesis.describeStreamSummary(r -> r.streamName("clicks")).streamDescriptionSummary().streamARN();
            assertEquals("arn:aws:kinesis:us-east-1:" + node.account() + ":stream/clicks", arn);
        }
    }
}
