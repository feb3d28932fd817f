import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.imageio.ImageIO;
import medcard.Cancellation;
import medcard.Card;
import medcard.Challenge;
import medcard.Client;
import medcard.Conflicts;
import medcard.Counter;
import medcard.CounterOptions;
import medcard.Edit;
import medcard.Editor;
import medcard.File;
import medcard.Held;
import medcard.Medcard;
import medcard.Options;
import medcard.Pages;

/**
 * Two phones of one patient and a pharmacy's counter against a real server, on the real binding. jvm_test.go starts the server, hands
 * over what a person would have in hand, and reads the text messages: a line "code?" here, the code back.
 */
final class Online {
    private final String server = System.getenv("SERVER");
    private final Path dir = Files.createTempDirectory("medcard-jvm");
    private final BufferedReader messages = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private final AtomicInteger pages = new AtomicInteger();
    private final AtomicLong records = new AtomicLong();
    private final AtomicLong sent = new AtomicLong();
    private Client first;
    private Client second;
    private String card;

    private Online() throws Exception {}

    public static void main(String[] args) throws Exception {
        Online trial = new Online();
        Check.step("sign in, claim, first sync with progress", trial::begins);
        Check.step("a conflict of two phones is shown and resolved", trial::conflict);
        Check.step("a photo goes from one phone to the other", trial::sends);
        Check.step("a passport is kept without a network and handed in by a sync", trial::proves);
        Check.step("a stopped sync says so", trial::stops);
        Check.step("a prescription goes from the phone over the counter, once", trial::dispenses);
        Check.step("sign out and wipe", trial::ends);
        System.exit(0); // a JVM waits for its attached threads, and Go's threads stay
    }

    private Client phone(String name, boolean careless) throws Exception {
        byte[] key = new byte[32];
        Arrays.fill(key, (byte) name.length());
        Options options = new Options(dir.resolve(name + ".db").toString(), key, server);
        options.setDeviceName("Телефон 📱 " + name);
        options.setProgress((id, done, total) -> {
            pages.incrementAndGet();
            records.set(done);
            if (careless) throw new IllegalStateException("a mistake of the app");
        });
        options.setUploads((id, hash, done, total) -> sent.set(done));
        Client client = Medcard.open(options);
        Challenge challenge = client.signIn(System.getenv("LOGIN"), System.getenv("PASSWORD"));
        Check.refused("code.wrong", () -> client.secondFactor(challenge.getID(), "000000"));
        System.out.println("code?");
        client.secondFactor(challenge.getID(), messages.readLine());
        return client;
    }

    private void begins() throws Exception {
        first = phone("first", true);
        Check.refused("claim.wrong", () -> first.claim("AAAA-AAAA-AAAA"));
        card = first.claim(System.getenv("CLAIM"));
        long received = first.sync(null).getReceived();
        Check.that(pages.get() > 0, "the progress callback was not called");
        Check.same(received, records.get(), "records that progress told of");
        Check.contains(Check.text(first.card(card).records("encounter", "", 0)), "\"kind\":\"encounter\"");
        Check.contains(Check.text(first.card(card).patient()), "Соколова");
        Check.same(0L, first.sync(null).getReceived(), "records that the second sync brought");
        Check.that(first.sync(null).getUnchanged(), "the third sync found news");
        first.index(null);
    }

    private void conflict() throws Exception {
        second = phone("second", false);
        second.sync(null);
        String visit = Check.field(Check.text(first.card(card).records("encounter", "", 1)), "id");
        String comment = first.card(card).comment(visit, "Болит").getRecord();
        first.sync(null);
        second.sync(null);
        first.card(card).edit(comment).saveText("Болит колено 🦵");
        second.card(card).edit(comment).saveText("Болит спина");
        first.sync(null);
        second.sync(null);
        first.sync(null);

        Conflicts open = first.card(card).conflicts();
        Check.same(1L, open.len(), "open conflicts");
        Editor editor = open.at(0);
        String entry = Check.text(editor.entry());
        Check.contains(entry, "Болит колено 🦵");
        Check.contains(entry, "Болит спина");
        Check.contains(entry, "\"siblings\":[");
        Edit resolved = editor.resolve(Check.bytes("{\"text\":\"Болит всё\",\"about\":\"" + visit + "\",\"written\":\"" + Check.field(entry, "written") + "\"}"));
        Check.same("resolve", resolved.getOp(), "op");
        first.sync(null);
        second.sync(null);
        Check.same(0L, second.card(card).conflicts().len(), "open conflicts on the other phone");
        Check.contains(Check.text(second.card(card).comments(visit)), "Болит всё");
    }

    private void sends() throws Exception {
        byte[] photo = new byte[700_000];
        for (int i = 0; i < photo.length; i++) photo[i] = (byte) (i * 31 + i / 251);
        String visit = Check.field(Check.text(first.card(card).records("encounter", "", 1)), "id");
        String attachment = Check.text(first.card(card).attach("Родинка", "image/jpeg", photo));
        String hash = Check.field(attachment, "hash");
        first.card(card).commentWith(visit, "Покажу врачу", Check.bytes("[" + attachment + "]"));
        Check.same(1L, first.sync(null).getUploaded(), "files that went up");
        Check.same((long) photo.length, sent.get(), "bytes of which the callback told");
        Check.contains(Check.text(first.card(card).fileState(hash)), "\"upload\":\"accepted\"");
        second.sync(null);
        Check.contains(Check.text(second.card(card).comments(visit)), hash);
        Check.refused("sdk.no_file", () -> second.card(card).openAttachment(hash));
        AtomicLong came = new AtomicLong();
        File file = second.card(card).attachment(hash, (done, total) -> {
            came.set(done);
            throw new IllegalStateException("a mistake of the app");
        }, null);
        Check.same((long) photo.length, came.get(), "bytes of which progress told");
        Check.that(Arrays.equals(photo, file.read(0, photo.length)), "the file comes changed");
    }

    private void proves() throws Exception {
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(60, 40, BufferedImage.TYPE_BYTE_GRAY), "png", page);
        Pages pages = new Pages();
        Check.refused("sdk.document", () -> first.keepDocument("passport", "4510 123456", pages));
        pages.add(page.toByteArray());
        Check.refused("passport.format", () -> first.keepDocument("passport", "4510", pages));
        first.keepDocument("passport", "4510 123456", pages);
        Check.contains(Check.text(first.keptDocuments()), "\"slot\":\"passport\"");
        Check.same(1L, first.sync(null).getHandedIn(), "documents that were handed in");
        Check.same("[]", Check.text(first.keptDocuments()), "what waits");
        Check.contains(Check.text(first.documents()), "\"status\":\"checking\"");
        Check.contains(Check.text(first.seenDocuments()), "\"status\":\"checking\"");
        first.withdrawDocument("passport");
        Check.refused("policy.format", () -> first.linkPolicy(Check.bytes("{\"number\":\"1234\"}")));
        Check.same("[]", Check.text(first.policies()), "policies");
        Check.same("[]", Check.text(first.incidents()), "incidents");
        String claim = "{\"basis\":\"birthCertificate\",\"number\":\"IV-МЮ 123456\",\"level\":\"full\","
            + "\"patient\":{\"family\":\"Соколов\",\"given\":[\"Пётр\"],\"born\":\"2020-05-01\",\"snils\":\"112-233-445 95\"},"
            + "\"agent\":{\"family\":\"Соколова\",\"given\":[\"Анна\"],\"born\":\"1990-05-01\"}}";
        Check.refused("claim.no_document", () -> first.claimRepresentation(Check.bytes(claim)));
        Check.same("[]", Check.text(first.representationClaims()), "claims");
    }

    private void stops() throws Exception {
        Cancellation stop = new Cancellation();
        stop.cancel();
        first.card(card).addMeasurement(132, 84, 70, 0);
        Check.refused("sdk.cancelled", () -> first.sync(stop));
        Check.same(1L, first.sync(null).getSent(), "edits that the next one sent");
    }

    private void dispenses() throws Exception {
        String page = Check.text(first.card(card).prescriptions("", 0));
        Check.contains(page, "Метформин");
        String code = Check.field(page, "code");
        CounterOptions options = new CounterOptions(dir.resolve("counter").toString(), server);
        options.pinRoot(System.getenv("ISSUER"), Base64.getDecoder().decode(System.getenv("ROOT")));
        options.setTokens(() -> System.getenv("TOKEN"));
        Counter counter = Medcard.openCounter(options);
        counter.refresh();
        String verdict = Check.text(counter.verify(code, 0));
        Check.contains(verdict, "\"answer\":\"OK\"");
        Check.contains(verdict, "Метформин");
        Held held = Medcard.resumeHeld(counter.accept(code, Medcard.newKey()).keep()); // the counter was started again
        Check.contains(Check.text(held.getPrescription()), "\"remaining\":60");
        String outcome = Check.text(counter.complete(held, Check.bytes("[{\"item\":0,\"quantity\":60}]"), Medcard.newKey()));
        Check.contains(outcome, "\"state\":\"dispensed\"");
        long status = Check.refused("prescription.dispensed", () -> counter.accept(code, Medcard.newKey())).getStatus();
        Check.same(409L, status, "status of a second time");
        counter.close();
    }

    private void ends() throws Exception {
        Check.contains(Check.text(first.card(card).accessLog(0)), "\"entries\":[{");
        Check.contains(Check.text(first.card(card).verifyAccessLog()), "\"proven\":");
        first.signOut(false);
        Check.same("", first.signedIn(), "who is signed in");
        first.wipe();
        Check.refused("sdk.closed", first::cards);
        second.close();
    }
}
