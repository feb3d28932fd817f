-- +goose Up

-- A second line of access, in the database itself: whoever asks sees the rows of the one card that its transaction named, and without a
-- name none. What decides who may see a card stands before it (consent.Decide); this bounds what a mistake there, or a statement that
-- somebody slipped in, can reach. FORCE: the tables' owner is bound as well. Superusers and roles with BYPASSRLS are not.
--
-- What else of these tables is seen without a name is a policy of its own, card_directory, with the reason beside it. It is for reading
-- alone: rows are written under their card's name and under no other. migrations.go says what a later migration has to know.

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'record', 'record_version', 'record_scope', 'card_scope', 'card_actor', 'mutation_result', 'provenance',
        'record_attachment', 'attachment', 'attachment_piece', 'attachment_upload',
        'posting', 'prescription', 'prescription_item', 'dispensing_answer', 'hand_out', 'dispensing_case', 'referral', 'certificate',
        'access_grant', 'representation', 'representation_notice', 'emergency', 'audit_entry', 'push_news', 'reminder'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY card_rows ON %I USING (card = nullif(current_setting(''medcard.card'', true), '''')::uuid)', name);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- The upkeep looks for cards of which a grant has run out, and for uploads that nobody goes on with.
CREATE POLICY card_directory ON access_grant FOR SELECT USING (ended = 0 AND ends_at IS NOT NULL);
CREATE POLICY card_directory ON attachment_upload FOR SELECT USING (idle IS NOT NULL);
-- It looks for whom to tell that the right to act for somebody will change.
CREATE POLICY card_directory ON representation_notice FOR SELECT USING (sent_at IS NULL);
-- From a person to those whom he represents: he may ask for a child's card that he does not see at the time.
CREATE POLICY card_directory ON representation FOR SELECT USING (true);
-- Reviewers list emergencies, and a clinic's are counted, on whatever cards.
CREATE POLICY card_directory ON emergency FOR SELECT USING (true);
-- From a pharmacy to what it has ordered, and from a clinic to what was wrongly handed out of its prescriptions.
CREATE POLICY card_directory ON prescription FOR SELECT USING (supply_holder <> '');
CREATE POLICY card_directory ON dispensing_case FOR SELECT USING (true);

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema() AND policyname IN ('card_rows', 'card_directory') LOOP
        EXECUTE format('DROP POLICY %I ON %I', found.policyname, found.tablename);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', found.tablename);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', found.tablename);
    END LOOP;
END
$$;
-- +goose StatementEnd
