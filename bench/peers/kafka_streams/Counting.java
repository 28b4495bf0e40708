import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.MappedByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;

/** Kafka Streams: grouped anew, counted in tumbling windows, changes of counts to a topic. */
public final class Counting {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Events come months late, and count; what is replayed is years old. */
    private static final Duration GRACE = Duration.ofDays(3650);

    /** What is counted of an event. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Event(String agency, String kind, String occurred_at) {
        String cell() {
            return agency + "|" + kind;
        }

        long timestamp() {
            return Instant.parse(occurred_at).toEpochMilli();
        }
    }

    /** A count as the output topic has it. */
    public record Count(String agency, long window, String kind, long events) {
        static Count of(String cell, long start, long events) {
            String[] parts = cell.split("\\|");
            return new Count(parts[0], start / 1000, parts[1], events);
        }
    }

    public static void main(String[] arguments) throws Exception {
        String topic = System.getenv("PEER_TOPIC");
        Meter meter = new Meter(Path.of(System.getenv("PEER_FOLDER"), "meter"));
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("PEER_NAME"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("PEER_KAFKA"));
        settings.put("security.protocol", "SASL_PLAINTEXT");
        settings.put("sasl.mechanism", "PLAIN");
        settings.put("sasl.jaas.config", String.format(
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%s\" password=\"%s\";",
            System.getenv("PEER_USER"), System.getenv("PEER_PASSWORD")));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, Path.of(System.getenv("PEER_FOLDER"), "state").toString());
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, arguments[0]);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");

        StreamsBuilder builder = new StreamsBuilder();
        Consumed<String, Event> consumed = Consumed.with(Serdes.String(), json(Event.class))
            .withTimestampExtractor((record, before) -> ((Event) record.value()).timestamp());
        builder.stream(topic, consumed)
            .map((dossier, event) -> KeyValue.pair(event.cell(), ""))
            .repartition(Repartitioned.with(Serdes.String(), Serdes.String()).withName("cell"))
            .peek((cell, nothing) -> meter.add())
            .groupByKey()
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(5), GRACE))
            .count()
            .toStream()
            .map((window, events) ->
                KeyValue.pair(window.key(), Count.of(window.key(), window.window().start(), events)))
            .to(System.getenv("PEER_OUTPUT"), Produced.with(Serdes.String(), json(Count.class)));

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close();
            stopped.countDown();
        }));
        streams.start();
        stopped.await();
    }

    private static <T> Serde<T> json(Class<T> type) {
        Serializer<T> serializer = (topic, value) -> {
            try {
                return value == null ? null : JSON.writeValueAsBytes(value);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
        Deserializer<T> deserializer = (topic, bytes) -> {
            try {
                return bytes == null ? null : JSON.readValue(bytes, type);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
        return Serdes.serdeFrom(serializer, deserializer);
    }

    /** How many events were counted, in the harness's file: whether it has begun, then the number. */
    private static final class Meter {
        private final MappedByteBuffer file;
        private long counted;

        Meter(Path path) throws IOException {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                file = channel.map(FileChannel.MapMode.READ_WRITE, 0, 16);
            }
            file.order(ByteOrder.LITTLE_ENDIAN);
            counted = file.getLong(8);
        }

        synchronized void add() {
            file.putLong(0, 1);
            file.putLong(8, ++counted);
        }
    }
}
