package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/consent"
)

// withoutPermit are the methods of a transaction that ask for no permit, by the reason why they need none.
var withoutPermit = map[string][]string{
	"decides who gets a permit, or takes the lock before that": {
		"Decide", "DecideWatch", "DecideWrite", "LockCard",
	},
	"writes down what the clock did: that a grant or a prescription has run out": {
		"CommitEnds", "CardsWithEnds", "PrescriptionsEnded", "DropEnd",
	},
	"is for those who review emergencies: it tells who opened which card, and nothing of what stands in it": {
		"CountEmergencies", "CountEmergenciesOn", "UnreviewedEmergencies", "LockEmergency", "ReviewEmergency",
	},
	"carries out, for an operator, what a court decided: it tells who is let into a card, takes one of them out, and opens nothing": {
		"GrantsOf", "RevokeByOrder", "Bar",
	},
	"takes somebody off a card that is not his, for an operator, and opens nothing": {
		"Disown",
	},
	"is for the operator who destroys a card by order: it opens nothing, and who did it and why is remembered": {
		"Shred", "Shreddings", "TellOfDestruction",
	},
	"is for the operator who gives a card another key: it opens nothing to anybody, and who did it and why is remembered": {
		"BeginRenewal", "Renewing",
	},
	"an organisation that asks to be let in, before it leads to any card: AgreeProposal, which leads it to one, takes the owner's permit": {
		"DropProposals", "PutProposal", "ProposalOf", "Proposal",
	},
	"an account that operators locked; no card": {
		"PutLock", "DropLock", "LockOf", "Locks",
	},
	"lets a person act for a patient, whose document somebody approved: he has no permit before, and who approves gets none": {
		"Represent", "Representations", "RepresentationsOf", "ProxyTokens", "OpenToken", "EndToken", "EndRepresentation",
	},
	"compares what a claimant typed, or a person proved, with a card, and tells no more than whether it fits; and lets those hear who speak for its patient": {
		"CardOfNamed", "OwnCardIs", "Lacks", "TellOfAttempt",
	},
	"the names of a person on his own cards, so that nobody reviews what he sent himself: they are compared, and go nowhere": {
		"NamesOf",
	},
	"a job's work: it learns whom to tell that the right to act for another will change, and opens no card": {
		"DueFamilyNotices", "TellFamily",
	},
	"whom a clinic names as its practitioner; no card": {
		"Practises", "PutPractitioner", "DropPractitioner",
	},
	"opens a card, or gives it to whom a claim code proved to be its owner: nobody is there yet who could give a permit": {
		"CreateCard", "GrantOwner", "AwaitOwner", "AwaitedCards", "LetIn", "LetGo", "Overdue", "OpenedBy", "HasOwner", "Claim", "RedeemClaim",
	},
	"a directory: it leads from a name, a token or an account to a card, and opens none": {
		"CardsOfPatient", "CardsOf", "CardsSeen", "PrescriptionByToken", "CardOfPrescription", "CardOfReferral", "ReferralByToken", "CardOfCertificate",
		"PaperGone", "SetPaperGone",
		"TakeNumber", "TokenOfNumber", "Standing",
	},
	"pharmacies' devices, their receipts and their idempotency keys: a directory that knows tokens and no patients": {
		"AddCounterDevice", "CounterDevices", "LockCounterDevice", "SetCounterDevice", "Receipt", "FileReceipt", "ReceiptInGap", "ReceiptsOf", "ReceiptsIn",
		"CountReceipts", "KeyUse", "PutKeyUse", "ForgetKeyUses",
	},
	"a directory: it names prescriptions that somebody waits for or must be told of, and opens none": {
		"SuppliesOf", "OverdueSupplies", "CasesOf", "CasesSince",
	},
	"remembers, and asks what was remembered of the asker himself; to be remembered is never refused": {
		"AppendAudit", "OwnReadSince",
	},
	"the audit log: hashes, and which entry each is of; no content": {
		"PendingAudit", "WaitingForLog", "Log", "LockLog", "TakePending", "ExtendLog", "LogHashes", "LeafHashes", "PlacesInLog", "ShreddingOf", "LogNodes", "CardTrails",
	},
	"the log's entries, of which none holds what was seen, for verification by an operator and for auditors, whose reading is itself remembered": {
		"LoggedEntries", "WaitingEntries", "OpenLogCard",
	},
	"upkeep: it deletes what nobody names, and reads nothing": {
		"CardsWithIdleUploads", "ForgetUploads",
	},
	"when the database was restored; no card": {
		"RestoredAt",
	},
	"a status list knows tokens and places, and no card": {
		"TakePlace", "SetStatus", "StatusOf", "Statuses", "StatusLists", "Filled", "NewestShard", "OpenShard", "HasShard", "KeepContent", "SaysContent",
	},
	"the key set and what happened to keys; no card": {
		"KeySet", "ReplaceKeySet", "AddKeyEvent", "KeyEvents",
	},
	"a job's work: it has no actor, and learns whom to tell that there is news, not which": {
		"TakeNews", "StillSees", "Speaks", "OwnersOf", "EnqueuePush", "Reminder", "SetReminderSent",
	},
	"forgets what no device can ask for any more, by the engine's rule, and gives out nothing of it": {
		"CardsToCollect", "Collect",
	},
	"how a device is reached; no card": {
		"PutContact", "Contact", "ContactsOf", "DropContact", "ForgetContacts",
	},
	"people and their sessions; no card": {
		"HasAccount", "Account", "AccountByPhone", "AccountByEmail", "AddAccount", "SetPassword", "AddRegistration", "LockRegistration", "SetRegistration",
		"AddSignIn", "SignIn", "LockCode", "PutCode", "Device", "PutDevice", "AddSession", "Session", "EndSession", "EndSessions",
		"AddRefresh", "LockRefresh", "UseRefresh", "LockAllowance", "SetAllowance", "ForgetEnrolling", "ForgetUnused",
		"ProveSession", "Authenticator", "LockAuthenticator", "PutAuthenticator", "DropAuthenticator",
		"ReplaceRecoveryCodes", "UseRecoveryCode", "RecoveryCodes",
		"Devices", "SeeDevice", "ForgetDevice", "ForgetOtherDevices", "DropPush", "ForgetSignIns", "LinkedAccount", "AddLink", "RemoveLink", "Links", "OwnerBySNILS", "Passkeys", "AddPasskey", "UsePasskey", "RemovePasskey", "AddCeremony", "TakeCeremony",
		"AddEvent", "CountRefusal", "EventsOf", "DueEvents", "AuditEvent",
		"AddPasswordRecovery", "PasswordRecovery", "AddContactChange", "LockContactChange", "DropContactChange", "SetContact",
	},
	"what a person proves who he is with; no card": {
		"Documents", "LockOpenDocument", "LockDocument", "DocumentsToCheck", "AddDocument", "SetDocument", "DropDocument", "PutFile", "FileContent", "ForgetDocuments",
		"Missing", "LockPolicyLink", "PolicyLink", "PutPolicyLink", "LockAsked", "Asked", "Unanswered", "PolicyFits", "TellOfVerdict", "TellOfDevice", "AuditProof",
	},
	"what happened to data that should not have, and whom it concerns; of a card no more than who that is": {
		"AddIncident", "LockIncident", "SetIncident", "Incidents", "OverdueIncidents", "Concern", "AccountsAfter", "PeopleOf", "IncidentsOf", "ReadIncident", "IncidentToMail",
		"DestroyedCards", "DestructionToMail", "NoteDestructionMailed",
		"NoteIncidentMailed",
	},
	"who signs in with a certificate, and what he confirmed with it; no card": {
		"BindSigner", "UnbindSigner", "SignerAccount", "NoteCertificate", "SpendChallenge", "ForgetChallenges",
		"CountConfirmations", "AddConfirmation", "Confirmation", "Confirmations",
	},
	"organisations and their keys; no card": {
		"AddClient", "Client", "Organisation", "Clients", "Insurers", "RevokeClient", "SpendAssertion", "ForgetAssertions", "ClientByOGRN", "TellClinic", "Inbox",
	},
}

var permitType = reflect.TypeFor[consent.Permit]()

// Consent is a type: what touches a card's health data takes the permit first, and believes only one of its own transaction.
func TestEveryMethodTakesAPermitOrSaysWhyNot(t *testing.T) {
	excused := map[string]bool{}
	for _, names := range withoutPermit {
		for _, name := range names {
			excused[name] = false
		}
	}
	guarded := guardedMethods(func(name string) {
		if _, known := excused[name]; !known {
			t.Errorf("Tx.%s takes no permit as its first argument: let it, or write into withoutPermit why it needs none", name)
		}
		excused[name] = true
	})
	for name, met := range excused {
		if !met {
			t.Errorf("%s stands in withoutPermit, but is no method of a transaction, or takes a permit", name)
		}
	}
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		var earlier consent.Permit
		if err := db.View(t.Context(), func(tx *store.Tx) (err error) {
			earlier, err = tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for name, method := range guarded {
			for kind, p := range map[string]consent.Permit{"no permit": {}, "a permit of an earlier transaction": earlier} {
				// Not t.Context: a method that does look would break the transaction, and the next would be blamed.
				err := db.Update(context.Background(), func(tx *store.Tx) error { return call(method, tx, p) })
				if !errors.Is(err, store.ErrForeignPermit) {
					t.Errorf("Tx.%s with %s: %v", name, kind, err)
				}
			}
		}
	})
}

// guardedMethods gives the methods whose first argument is a permit and names the others.
func guardedMethods(other func(name string)) map[string]reflect.Method {
	guarded := map[string]reflect.Method{}
	for m := range reflect.TypeFor[*store.Tx]().Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1) == permitType {
			guarded[m.Name] = m
		} else {
			other(m.Name)
		}
	}
	return guarded
}

// call calls the method with the permit and nothing else, and gives its error, which comes last.
func call(m reflect.Method, tx *store.Tx, p consent.Permit) error {
	args := []reflect.Value{reflect.ValueOf(tx), reflect.ValueOf(p)}
	for i := len(args); i < m.Type.NumIn(); i++ {
		args = append(args, reflect.Zero(m.Type.In(i)))
	}
	out := m.Func.Call(args)
	err, _ := out[len(out)-1].Interface().(error)
	return err
}
