import java.nio.charset.StandardCharsets;
import medcard.Failure;
import medcard.Medcard;

/** What both trials need: to expect something, and to read an error. */
final class Check {
    private Check() {}

    /** A call that may throw, as every call of the binding. */
    interface Call {
        void run() throws Exception;
    }

    static void that(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static void same(Object want, Object got, String what) {
        that(want == null ? got == null : want.equals(got), what + ": want " + want + ", got " + got);
    }

    static void contains(String text, String part) {
        that(text.contains(part), "want " + part + " in " + text);
    }

    /** The call has to throw an exception with this code, which its message begins with. */
    static Failure refused(String code, Call call) throws Exception {
        try {
            call.run();
        } catch (Exception e) {
            Failure failure = Medcard.failureOf(e);
            same(code, failure.getCode(), "code of " + e.getMessage());
            that(e.getMessage().startsWith(code + ": "), "the message " + e.getMessage() + " does not begin with " + code);
            return failure;
        }
        throw new AssertionError("nothing was thrown; want " + code);
    }

    static String text(byte[] json) {
        return new String(json, StandardCharsets.UTF_8);
    }

    static byte[] bytes(String json) {
        return json.getBytes(StandardCharsets.UTF_8);
    }

    /** A step of a trial: told once it held. */
    static void step(String what, Call call) throws Exception {
        long began = System.nanoTime();
        call.run();
        System.out.printf("held: %s (%d ms)%n", what, (System.nanoTime() - began) / 1_000_000);
    }

    /** The value of a field of flat JSON: enough here, where the whole document is known. */
    static String field(String json, String name) {
        int at = json.indexOf("\"" + name + "\":\"");
        that(at >= 0, "no " + name + " in " + json);
        int from = at + name.length() + 4;
        return json.substring(from, json.indexOf('"', from));
    }
}
