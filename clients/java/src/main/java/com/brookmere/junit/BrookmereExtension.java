package com.brookmere.junit;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Starts a Brookmere node for the tests of a virtual machine, in memory and on a free port, and gives each test an
 * account of its own on it. The system properties that AWS SDKs for Java read lead to it, so that a client with
 * defaults is the test's; a test that makes clients in another way takes a {@link Brookmere} as a parameter.
 *
 * <p>The program is {@code brookmere} on the PATH, or the value of BROOKMERE_BIN. System properties belong to the
 * whole virtual machine: tests that run side by side make their clients of the parameter.
 */
public final class BrookmereExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final Duration START = Duration.ofSeconds(120);
    private static final String REGION = "us-east-1";
    private static final String[] PROPERTIES = {
        "aws.endpointUrl", "aws.accessKeyId", "aws.secretAccessKey", "aws.secretKey", "aws.region",
    };
    private static final ExtensionContext.Namespace SPACE = ExtensionContext.Namespace.create(BrookmereExtension.class);
    private static final AtomicLong accounts = new AtomicLong(100_000_000_000L);

    @Override
    public void beforeEach(ExtensionContext context) {
        Brookmere node = of(context);
        String[] values = {node.url().toString(), node.account(), "test", "test", node.region()};
        String[] before = new String[PROPERTIES.length];
        for (int i = 0; i < PROPERTIES.length; i++) {
            before[i] = System.setProperty(PROPERTIES[i], values[i]);
        }
        context.getStore(SPACE).put("before", before);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        String[] before = context.getStore(SPACE).remove("before", String[].class);
        for (int i = 0; before != null && i < PROPERTIES.length; i++) {
            if (before[i] == null) {
                System.clearProperty(PROPERTIES[i]);
            } else {
                System.setProperty(PROPERTIES[i], before[i]);
            }
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Brookmere.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return of(context);
    }

    /** The account of a test, on the node of all tests. */
    private static Brookmere of(ExtensionContext context) {
        Node node = context.getRoot().getStore(SPACE).getOrComputeIfAbsent(Node.class, c -> Node.start(), Node.class);
        return context.getStore(SPACE).getOrComputeIfAbsent(Brookmere.class,
            c -> new Brookmere(node.url, Long.toString(accounts.incrementAndGet()), REGION), Brookmere.class);
    }

    /** A process, which ends with the tests. */
    private static final class Node implements ExtensionContext.Store.CloseableResource {
        final Process process;
        final URI url;

        Node(Process process, URI url) {
            this.process = process;
            this.url = url;
        }

        static Node start() {
            String program = System.getenv().getOrDefault("BROOKMERE_BIN", "brookmere");
            try {
                Path dir = Files.createTempDirectory("brookmere-junit-");
                Path ready = dir.resolve("url");
                File log = dir.resolve("log").toFile();
                Process process = new ProcessBuilder(program, "up", "--data", ":memory:", "--listen", "127.0.0.1:0", "--ready-file", ready.toString())
                    .redirectErrorStream(true).redirectOutput(log).start();
                Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
                long end = System.nanoTime() + START.toNanos();
                while (!Files.exists(ready)) {
                    if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
                        throw new IllegalStateException("brookmere ended with " + process.exitValue() + ": " + Files.readString(log.toPath()));
                    }
                    if (System.nanoTime() > end) {
                        process.destroyForcibly();
                        throw new IllegalStateException("brookmere is not ready after " + START + ": " + Files.readString(log.toPath()));
                    }
                }
                URI url = URI.create(Files.readString(ready).trim());
                Files.delete(ready);
                return new Node(process, url);
            } catch (IOException e) {
                throw new IllegalStateException("start " + program + " (put it on the PATH, or name it by BROOKMERE_BIN): " + e.getMessage(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }
}
