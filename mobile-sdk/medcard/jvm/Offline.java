import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import medcard.Card;
import medcard.Client;
import medcard.Counter;
import medcard.CounterOptions;
import medcard.Edit;
import medcard.Editor;
import medcard.File;
import medcard.Medcard;
import medcard.Options;
import medcard.Outbox;
import medcard.ScopeKeys;

/** What a phone without a network does, on the real binding. */
final class Offline {
    private static final String NOWHERE = "http://127.0.0.1:9"; // nobody listens there
    private static final String CARD = "0195e4a5-7c1e-7b22-9d6c-3f1a2b4c5d6e";
    // Cyrillic, an emoji outside the basic plane, one of several code points, an accent of its own, a NUL that C would end at.
    private static final String WORDS = "После лестницы 😀 👩‍⚕️ \u0065\u0301 𐍈 \u0000 «конец»";

    private final Path file;
    private final byte[] key = new byte[32];

    private Offline(Path dir) {
        file = dir.resolve("card.db");
        Arrays.fill(key, (byte) 7);
    }

    public static void main(String[] args) throws Exception {
        Offline trial = new Offline(Files.createTempDirectory("medcard-jvm"));
        Check.step("the file opens under its key only", trial::opens);
        Check.step("edits are made, read and kept without a network", trial::edits);
        Check.step("an editor survives being kept", trial::editor);
        Check.step("a file is attached, read and kept without a network", trial::attaches);
        Check.step("keys of scopes stand in the app's keystore", trial::keystore);
        Check.step("errors have codes", trial::errors);
        Check.step("callbacks are called, and may throw", trial::callbacks);
        Check.step("a panic in Go is an exception", trial::panics);
        Check.step("threads and the garbage collector", trial::threads);
        Check.step("a code is drawn", trial::picture);
        trial.speed();
        System.exit(0); // a JVM waits for its attached threads, and Go's threads stay
    }

    private Options options(byte[] with) {
        return new Options(file.toString(), with, NOWHERE);
    }

    /** What an app writes over the phone's keystore. */
    private static final class Keystore implements ScopeKeys {
        final Map<String, byte[]> keys = new ConcurrentHashMap<>();
        boolean locked;

        @Override public byte[] load(String name) throws Exception {
            if (locked) throw new Exception("locked");
            return keys.get(name);
        }

        @Override public byte[] create(String name) throws Exception {
            if (locked) throw new Exception("locked");
            byte[] key = new byte[32];
            new SecureRandom().nextBytes(key);
            keys.put(name, key.clone());
            return key;
        }

        @Override public void destroy(String name) {
            keys.remove(name);
        }
    }

    private void keystore() throws Exception {
        String own = file.resolveSibling("sealed.db").toString();
        Keystore keystore = new Keystore();
        Options options = new Options(own, key, NOWHERE);
        options.setScopeKeys(keystore);
        Client client = Medcard.open(options);
        Edit reading = client.card(CARD).addMeasurement(132, 84, 70, 0);
        Check.same(1, keystore.keys.size(), "keys");
        Check.same(false, reading.reissuable(), "what waits is not offered again");
        Check.refused("sdk.invalid", () -> client.card(CARD).reissue(reading, null));
        client.close();
        Check.refused("sdk.keystore", () -> Medcard.open(new Options(own, key, NOWHERE)));
        keystore.locked = true;
        Options again = new Options(own, key, NOWHERE);
        again.setScopeKeys(keystore);
        Check.refused("sdk.keystore", () -> Medcard.open(again));
        keystore.locked = false;
        Options third = new Options(own, key, NOWHERE);
        third.setScopeKeys(keystore);
        Client sealed = Medcard.open(third);
        Check.same(1L, sealed.card(CARD).outbox().len(), "edits");
        sealed.wipe();
        Check.same(0, keystore.keys.size(), "keys after a wipe");
    }

    private Client open() throws Exception {
        return Medcard.open(options(key));
    }

    private void opens() throws Exception {
        Client client = open();
        Check.same("[]", Check.text(client.cards()), "cards of a new file");
        Check.same("", client.signedIn(), "who is signed in");
        client.close();
        byte[] wrong = key.clone();
        wrong[31] ^= 1;
        Check.refused("sdk.key", () -> Medcard.open(options(wrong)));
        Check.refused("sdk.key_size", () -> Medcard.open(options(new byte[31])));
        Check.refused("sdk.argument", () -> Medcard.open(null));
        Check.refused("sdk.closed", client::cards);
        Check.same((byte) 7, key[0], "the caller's own copy of the key"); // what the SDK forgets is its own
    }

    private void edits() throws Exception {
        Client client = open();
        Card card = client.card(CARD);
        Edit reading = card.addMeasurement(132, 84, 70, 0);
        Check.same("waiting", reading.getState(), "state");
        Edit comment = card.comment(reading.getRecord(), WORDS);
        client.close();

        client = open();
        card = client.card(CARD);
        String page = Check.text(card.records("measurement", "", 0));
        Check.contains(page, "\"systolic\":132");
        Check.contains(page, "\"pending\":true");
        String comments = Check.text(card.comments(reading.getRecord()));
        Check.contains(comments, "После лестницы 😀 👩‍⚕️ \u0065\u0301 𐍈 \\u0000 «конец»");
        Check.contains(Check.text(card.search("лестница", "", 0)), "\"kind\":\"comment\"");
        Check.same(1, card.outbox().at(0).getRecord().equals(comment.getRecord()) ? 1 : 0, "newest first");
        Outbox outbox = card.outbox();
        Check.same(2L, outbox.len(), "edits");
        Check.contains(Check.text(outbox.at(0).getFact()), "После лестницы");
        Check.refused("sdk.argument", () -> outbox.at(2));
        client.close();

        // Nothing of it stands in the clear: neither in the file nor in its journal.
        try (var files = Files.list(file.getParent())) {
            for (Path f : files.toList()) {
                String raw = new String(Files.readAllBytes(f), StandardCharsets.UTF_8);
                Check.that(!raw.contains("лестницы") && !raw.contains("SQLite"), f + " is not encrypted");
            }
        }
    }

    private void editor() throws Exception {
        Client client = open();
        Card card = client.card(CARD);
        Edit reading = card.addMeasurement(140, 90, 0, 1_763_800_000_000L);
        Editor editor = card.edit(reading.getRecord());
        byte[] kept = editor.keep();
        Editor resumed = card.resume(kept);
        Check.contains(Check.text(resumed.entry()), "\"systolic\":140");
        String fact = "{\"systolic\":141,\"diastolic\":90,\"unit\":\"mm[Hg]\",\"at\":\"2025-11-22T08:26:40Z\"}";
        Edit saved = resumed.save(Check.bytes(fact));
        Check.contains(Check.text(card.record(reading.getRecord())), "\"systolic\":141");
        Check.same(reading.getRecord(), saved.getRecord(), "record");
        Check.refused("sdk.outdated", () -> editor.save(Check.bytes(fact.replace("141", "142"))));
        card.edit(reading.getRecord()).delete();
        Check.refused("sdk.no_record", () -> card.record(reading.getRecord()));
        client.close();
    }

    private void attaches() throws Exception {
        byte[] photo = new byte[1_500_000];
        for (int i = 0; i < photo.length; i++) photo[i] = (byte) (i * 31 + i / 251);
        photo[0] = (byte) 0xff;
        photo[1] = (byte) 0xd8;
        photo[2] = (byte) 0xff;
        Client client = open();
        Card card = client.card(CARD);
        Edit reading = card.addMeasurement(132, 84, 70, 0);
        String attachment = Check.text(card.attach("Родинка 🙂", "image/jpeg", photo));
        card.commentWith(reading.getRecord(), "Покажу врачу", Check.bytes("[" + attachment + "]"));
        client.close();

        client = open();
        Card again = client.card(CARD);
        String comments = Check.text(again.comments(reading.getRecord()));
        Check.contains(comments, "Родинка 🙂");
        String hash = Check.field(comments, "hash");
        File file = again.attachment(hash, null, null);
        Check.same((long) photo.length, file.size(), "size");
        Check.same("image/jpeg", file.contentType(), "type");
        byte[] first = file.read(0, 2_000_000);
        Check.same(1 << 20, first.length, "bytes at once");
        Check.that(Arrays.equals(first, Arrays.copyOf(photo, first.length)), "the file comes back changed");
        Check.same(10, file.read(photo.length - 10, 100).length, "bytes at the end");
        Check.that(file.read(photo.length, 100) == null, "bytes behind the end");
        Check.contains(Check.text(again.uploads()), "\"upload\":\"waiting\"");
        Check.refused("sdk.no_file", () -> again.openAttachment(hash.replace(hash.charAt(0), hash.charAt(0) == '0' ? '1' : '0')));
        Check.refused("sdk.file_size", () -> again.attach("x", "image/jpeg", new byte[0]));
        Check.refused("sdk.no_file", () -> again.commentWith(reading.getRecord(), "x", Check.bytes("[" + attachment.replace(hash, "ab".repeat(32)) + "]")));
        client.close();
    }

    private void errors() throws Exception {
        Client client = open();
        Card card = client.card(CARD);
        Check.refused("sdk.invalid", () -> card.addMeasurement(84, 132, 0, 0));
        Check.refused("sdk.no_record", () -> card.record("0195e4a5-0000-7000-8000-000000000000"));
        Check.refused("sdk.paging", () -> card.records("encounter", "nonsense", 0));
        Check.refused("sdk.argument", () -> client.card(""));
        Check.refused("sdk.argument", () -> card.dismiss(null));
        Check.refused("sdk.signed_out", () -> client.sync(null));
        Check.refused("sdk.offline", () -> client.signIn("+79161234567", "correct horse"));
        Check.same(null, Medcard.failureOf(null), "no error");
        Check.same("sdk.internal", Medcard.failureOf(new IllegalStateException("the app's own")).getCode(), "an error of the app");
        client.close();
    }

    private void callbacks() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        AtomicReference<String> line = new AtomicReference<>();
        AtomicReference<Thread> thread = new AtomicReference<>();
        Options options = options(key);
        options.setLog((level, message, details) -> {
            line.compareAndSet(null, level + " " + message + " " + Check.text(details));
            thread.set(Thread.currentThread());
            told.countDown();
            throw new IllegalStateException("a mistake of the app");
        });
        Client client = Medcard.open(options);
        client.startSync(); // nobody is signed in, so it ends at once and says so
        Check.that(told.await(30, TimeUnit.SECONDS), "the log was not called");
        Check.contains(line.get(), "sdk.signed_out");
        Check.that(thread.get() != Thread.currentThread(), "the callback came on the caller's thread");
        client.close();

        AtomicInteger asked = new AtomicInteger();
        CounterOptions desk = new CounterOptions(file.getParent().resolve("desk").toString(), NOWHERE);
        byte[] root = new byte[32];
        root[0] = 1;
        desk.pinRoot("medcard.example", root);
        desk.setTokens(() -> {
            if (asked.incrementAndGet() == 1) throw new IllegalStateException("no token today");
            return "a token";
        });
        Counter counter = Medcard.openCounter(desk);
        String nothing = Check.text(counter.verify("EMC1:NOTHING", 0));
        Check.contains(nothing, "\"answer\":\"NO\"");
        Exception thrown = null;
        try {
            counter.accept("EMC1:NOTHING", Medcard.newKey());
        } catch (Exception e) {
            thrown = e;
        }
        Check.contains(thrown.getMessage(), "no token today");
        Check.refused("sdk.offline", () -> counter.accept("EMC1:NOTHING", Medcard.newKey()));
        Check.same(2, asked.get(), "tokens that were asked for");
        counter.close();
    }

    /** An object that was made with new and never opened holds nil: the dereference is caught by the processor, not by an if. */
    private void panics() throws Exception {
        for (int i = 0; i < 1000; i++) {
            Check.refused("sdk.panic", () -> new Client().cards());
        }
        Check.refused("sdk.panic", () -> new Card().records("encounter", "", 0));
        Check.refused("sdk.panic", () -> new Editor().saveText(WORDS));
        Check.refused("sdk.panic", () -> new Counter().refresh());
        Check.contains(Check.refused("sdk.panic", () -> new Client().startSync()).getDetail(), "medcard.");
        try {
            Check.same(0, nothing().length(), "the JVM's own null check");
        } catch (NullPointerException e) {
            return; // the JVM's signal handler still has its own
        }
        throw new AssertionError("the JVM lost its null check");
    }

    private static String nothing() {
        return System.getProperty("there.is.no.such");
    }

    private void threads() throws Exception {
        Client client = open();
        Card card = client.card(CARD);
        AtomicReference<Throwable> failed = new AtomicReference<>();
        Thread[] all = new Thread[8];
        for (int t = 0; t < all.length; t++) {
            int systolic = 120 + t;
            all[t] = new Thread(() -> {
                try {
                    for (int i = 0; i < 20; i++) {
                        card.addMeasurement(systolic, 80, 0, 0);
                        Check.contains(Check.text(card.records("measurement", "", 200)), "\"systolic\":" + systolic);
                        new Options("x", new byte[32], "y"); // for the collector
                    }
                } catch (Throwable e) {
                    failed.compareAndSet(null, e);
                }
            });
            all[t].start();
        }
        for (Thread t : all) t.join();
        if (failed.get() != null) throw new AssertionError(failed.get());
        System.gc();
        Check.same(160L + 2 + 3 + 2, card.outbox().len(), "edits");
        client.close();
    }

    private void picture() throws Exception {
        byte[] png = Medcard.codePicture("EMC1:ABC", 4);
        Check.that(png.length > 100 && png[1] == 'P' && png[2] == 'N' && png[3] == 'G', "not a PNG");
    }

    private void speed() throws Exception {
        Client client = open();
        Card card = client.card(CARD);
        int calls = 200_000;
        for (int i = 0; i < calls / 10; i++) card.id();
        long began = System.nanoTime();
        for (int i = 0; i < calls; i++) card.id();
        System.out.printf("%,d calls/s across the border%n", calls * 1_000_000_000L / (System.nanoTime() - began));
        client.close();
    }
}
