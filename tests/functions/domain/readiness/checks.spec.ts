import { expect } from "chai";
import { changedSince, isBroken, readinessChecks, type ReadinessCheck } from "../../../../functions/domain/readiness/checks";
import type { MemberFacts, ReadinessFacts } from "../../../../functions/domain/readiness/facts";

const member: MemberFacts = {
    accountId: "222222222222",
    assumed: { value: true },
    refused: { value: [] },
    dryRun: { value: { refusal: null } },
    detector: { value: { status: "ENABLED", frequency: "FIFTEEN_MINUTES" } },
    forwarding: { value: "ENABLED" },
};
/** A deployment in which everything is well. */
const good: ReadinessFacts = {
    region: "eu-west-1",
    members: { value: [member] },
    membersLeftOut: 0,
    image: { value: { id: "ami-0123456789abcdef0", architecture: "x86_64", state: "available" } },
    instanceType: { value: { name: "m6i.large", architectures: ["x86_64"], vcpus: 2 } },
    zones: { value: { ours: ["eu-west-1a", "eu-west-1b"], offering: ["eu-west-1a", "eu-west-1b", "eu-west-1c"] } },
    vcpuQuota: { value: 5 },
    functionsAtOnce: { value: 1000 },
    snapshots: { value: { used: 12, quota: 100_000 } },
    endpoints: { value: { used: 0, quota: 50, missing: ["ssm", "ssmmessages", "logs"], onDemand: true } },
    pendingCopies: { value: 0 },
    evidenceKey: { value: { state: "Enabled", usable: { value: true } } },
    objectLock: { value: { mode: "GOVERNANCE", days: 365 } },
    wantedLock: { mode: "GOVERNANCE", days: 365 },
    slack: { value: { status: 400, answer: "no_text" } },
    emails: {
        value: [
            { topic: "clean-room-notifications", endpoint: "a@example.com", confirmed: true },
            { topic: "clean-room-alarms", endpoint: "a@example.com", confirmed: true },
        ],
    },
    wantedEmails: 1,
    otherChannels: false,
    rules: [{ name: "clean-room-findings", state: { value: "ENABLED" }, archive: { value: "ENABLED" } }],
    watchRule: { value: "ENABLED" },
    deadLetters: { value: 0 },
    forwardDeadLetters: { value: 0 },
    stackSet: { value: { all: 3, behind: [] } },
    sample: { value: { sentTo: "222222222222", seconds: 4, archived: true } },
};
const ofMember = (changed: Partial<MemberFacts>): Partial<ReadinessFacts> => ({ members: { value: [{ ...member, ...changed }] } });

/** A deployment that is broken in one way, the check that says so, and words that it says. */
const broken: [string, Partial<ReadinessFacts>, string, RegExp][] = [
    [
        "a responder role that is gone",
        ofMember({ assumed: { unseen: "AccessDenied: not authorized to perform sts:AssumeRole" } }),
        "responder-assumable 222222222222",
        /cannot be assumed: AccessDenied/,
    ],
    [
        "a responder role that lost a right",
        ofMember({ refused: { value: ["ec2:ModifyNetworkInterfaceAttribute (by a service control policy)"] } }),
        "responder-allowed 222222222222",
        /ModifyNetworkInterfaceAttribute \(by a service control policy\)/,
    ],
    [
        "a Region that a service control policy denies",
        ofMember({
            dryRun: {
                value: {
                    // As EC2 writes it: what denies stands at the end.
                    refusal: `You are not authorized to perform this operation. User: arn:aws:sts::222222222222:assumed-role/clean-room-responder/clean-room-readiness-ap-southeast-2 is not authorized to perform: ec2:CreateSecurityGroup on resource: arn:aws:ec2:ap-southeast-2:222222222222:vpc/vpc-0123456789abcdef0 with an explicit deny in a service control policy. Encoded authorization failure message: ${"x".repeat(900)}`,
                },
            },
        }),
        "responder-dry-run 222222222222",
        /would refuse it: .*service control policy\.$/,
    ],
    ["GuardDuty without a detector", ofMember({ detector: { value: null } }), "guardduty 222222222222", /has no detector/],
    [
        "GuardDuty switched off",
        ofMember({ detector: { value: { status: "DISABLED", frequency: "SIX_HOURS" } } }),
        "guardduty 222222222222",
        /is DISABLED/,
    ],
    [
        "a forwarding rule that was disabled",
        ofMember({ forwarding: { value: "DISABLED" } }),
        "forwarding-rule 222222222222",
        /is DISABLED: no finding arrives/,
    ],
    ["a forwarding rule that was deleted", ofMember({ forwarding: { value: null } }), "forwarding-rule 222222222222", /is not there/],
    ["findings that could not be forwarded", { forwardDeadLetters: { value: 2 } }, "forward-dead-letters", /2 lie there/],
    ["no member at all", { members: { value: [] } }, "members", /there are none/],
    [
        "an image that is gone",
        { image: { value: { id: "ami-0", architecture: "x86_64", state: "not there" } } },
        "forensic-image",
        /ami-0 is not there/,
    ],
    [
        "an image for another processor",
        { image: { value: { id: "ami-0", architecture: "arm64", state: "available" } } },
        "forensic-image",
        /is for arm64, and m6i.large has x86_64/,
    ],
    [
        "a type that no zone of ours offers",
        { zones: { value: { ours: ["eu-west-1a"], offering: ["eu-west-1c"] } } },
        "instance-type-offered",
        /offered in none of eu-west-1a/,
    ],
    ["too few vCPUs", { vcpuQuota: { value: 1 } }, "quota-vcpu", /too few for one m6i.large of 2/],
    ["a quota of no vCPUs at all", { vcpuQuota: { value: 0 } }, "quota-vcpu", /0 vCPUs are too few/],
    [
        "a new account's ten functions",
        { functionsAtOnce: { value: 10 } },
        "quota-functions",
        /10 may run at a time, and ten incidents at once need 50/,
    ],
    ["no room for a snapshot", { snapshots: { value: { used: 10, quota: 10 } } }, "quota-snapshots", /all 10 snapshots/],
    [
        "no room for the endpoints that an incident makes",
        { endpoints: { value: { used: 48, quota: 50, missing: ["ssm", "ssmmessages", "logs"], onDemand: true } } },
        "quota-endpoints",
        /48 of 50 endpoints are used, and the 3 that an incident needs do not fit/,
    ],
    [
        "a standing endpoint that somebody deleted",
        { endpoints: { value: { used: 2, quota: 50, missing: ["logs"], onDemand: false } } },
        "endpoints",
        /not available: logs/,
    ],
    ["twenty copies under way", { pendingCopies: { value: 20 } }, "quota-copies", /all 20/],
    [
        "a key that is disabled",
        { evidenceKey: { value: { state: "Disabled", usable: { unseen: "DisabledException" } } } },
        "evidence-key",
        /is Disabled/,
    ],
    [
        "a key that may not be used",
        { evidenceKey: { value: { state: "Enabled", usable: { unseen: "AccessDeniedException: no" } } } },
        "evidence-key",
        /may not be used: AccessDenied/,
    ],
    ["Object Lock without a rule", { objectLock: { value: null } }, "object-lock", /is off/],
    [
        "a shorter lock",
        { objectLock: { value: { mode: "GOVERNANCE", days: 1 } } },
        "object-lock",
        /for 1 days, and the stack says GOVERNANCE for 365/,
    ],
    ["a weaker lock", { wantedLock: { mode: "COMPLIANCE", days: 365 } }, "object-lock", /is GOVERNANCE/],
    ["a webhook that is gone", { slack: { value: { status: 404, answer: "no_service" } } }, "slack", /404 no_service/],
    [
        "a webhook's parameter that is gone",
        { slack: { value: { status: null, answer: "The SSM parameter does not exist: /x." } } },
        "slack",
        /^The SSM parameter does not exist: \/x: messages do not arrive/,
    ],
    ["a webhook with a revoked token", { slack: { value: { status: 403, answer: "invalid_token" } } }, "slack", /403 invalid_token/],
    [
        "an address that never confirmed",
        { emails: { value: [{ topic: "clean-room-alarms", endpoint: "a@example.com", confirmed: false }] } },
        "emails",
        /not confirmed: a@example.com.*1 are not there/,
    ],
    ["nobody to tell", { slack: null, wantedEmails: 0 }, "people", /nobody would know/],
    [
        "a rule that was deleted",
        { rules: [{ name: "clean-room-findings", state: { value: null }, archive: { value: "ENABLED" } }] },
        "rule clean-room-findings",
        /is not there/,
    ],
    [
        "an archive that was deleted",
        { rules: [{ name: "clean-room-findings", state: { value: "ENABLED" }, archive: { value: null } }] },
        "archive clean-room-findings",
        /cannot be replayed/,
    ],
    ["a watch that somebody turned off", { watchRule: { value: "DISABLED" } }, "watch", /is DISABLED: nobody is told when somebody undoes/],
    ["dead letters", { deadLetters: { value: 1 } }, "dead-letters", /1 lie there/],
    [
        "an account that the StackSet did not reach",
        { stackSet: { value: { all: 3, behind: ["333333333333 eu-west-1 (OUTDATED)"] } } },
        "stackset",
        /1 of 3 are not current: 333333333333/,
    ],
    ["an empty StackSet", { stackSet: { value: { all: 0, behind: [] } } }, "stackset", /there is none/],
    [
        "a sample that did not arrive",
        { sample: { value: { sentTo: "222222222222", seconds: null, archived: true } } },
        "sample",
        /did not arrive/,
    ],
];

describe("readiness", () => {
    it("is all ok where everything is well, and says what was looked at", () => {
        const checks = readinessChecks(good);
        expect(checks.filter(({ state }) => state !== "ok")).to.deep.equal([]);
        expect(new Set(checks.map(({ id }) => id)).size, "each check has an id of its own").to.equal(checks.length);
        for (const { lookedAt, said } of checks) for (const text of [lookedAt, said]) expect(text).to.not.equal("");
    });

    for (const [what, facts, id, words] of broken)
        it(`says of ${what} that it is broken, and what to do`, () => {
            const checks = readinessChecks({ ...good, ...facts });
            const found = checks.filter(({ state }) => state === "broken");
            expect(found.map((each) => each.id)).to.deep.equal([id]);
            expect(found[0]!.said).to.match(words);
            expect(found[0]!.toDo).to.be.a("string").and.not.equal("");
            expect(isBroken(checks)).to.equal(true);
        });

    it("takes what could not be asked for neither well nor broken, whichever it is", () => {
        const unseen = { unseen: "AccessDenied: no" };
        const askable = [
            "members",
            "image",
            "instanceType",
            "zones",
            "vcpuQuota",
            "functionsAtOnce",
            "snapshots",
            "endpoints",
            "pendingCopies",
            "evidenceKey",
            "objectLock",
            "slack",
            "emails",
            "deadLetters",
            "forwardDeadLetters",
            "stackSet",
            "sample",
        ] as const;
        for (const key of askable) {
            const checks = readinessChecks({ ...good, [key]: unseen });
            const states = checks.filter(({ state }) => state !== "ok");
            expect(states.length, key).to.be.greaterThan(0);
            for (const each of states) expect(each.state, `${key}: ${each.id}`).to.equal("not looked at");
            expect(isBroken(checks), key).to.equal(false);
        }
    });

    it("does not call a sample archived that GuardDuty's administrator alone may archive", () => {
        const told = (archived: boolean) =>
            readinessChecks({ ...good, sample: { value: { sentTo: "222222222222", seconds: 4, archived } } }).find(
                ({ id }) => id === "sample",
            )!;
        expect(told(true)).to.include({ state: "ok" });
        expect(told(true).said).to.include("is archived in GuardDuty");
        expect(told(false)).to.include({ state: "ok" });
        expect(told(false).said).to.include("stays in GuardDuty, which lets its administrator alone archive it");
    });

    it("names members that there was no time for", () => {
        const left = readinessChecks({ ...good, membersLeftOut: 4 }).find(({ id }) => id === "members-left-out");
        expect(left).to.include({ state: "not looked at" });
        expect(left!.lookedAt).to.include("4 more");
    });

    it("tells only what has changed", () => {
        const at = (id: string, state: ReadinessCheck["state"], said = "so"): ReadinessCheck => ({
            id,
            lookedAt: id,
            state,
            said,
            toDo: null,
        });
        expect(changedSince(null, [at("a", "ok"), at("b", "broken"), at("c", "not looked at")]).map(({ id }) => id)).to.deep.equal(["b"]);
        const before = [at("b", "broken"), at("c", "not looked at")];
        expect(changedSince(before, [at("a", "ok"), at("b", "broken"), at("c", "not looked at", "another reason")])).to.deep.equal([]);
        expect(changedSince(before, [at("b", "ok"), at("c", "ok"), at("d", "broken")]).map(({ id }) => id)).to.deep.equal(["b", "c", "d"]);
        expect(
            changedSince(before, [at("b", "broken", "worse")]).map(({ id }) => id),
            "another breakage is news",
        ).to.deep.equal(["b"]);
    });
});
