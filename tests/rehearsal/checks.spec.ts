import { expect } from "chai";
import { runChecks } from "../../rehearsal/checks";
import type { Facts } from "../../rehearsal/facts";
import type { MemoryFacts } from "../../rehearsal/memory/facts";
import { planted } from "../../rehearsal/memory/prepare";

/** A rehearsal in which everything went well. */
function goodFacts(): Facts {
    return {
        incidentId: "i-0aaaaaaaaaaaaaaaa-0123456789abcdef",
        instanceId: "i-0aaaaaaaaaaaaaaaa",
        forensicsAccountId: "111111111111",
        readiness: [
            { id: "evidence-key", lookedAt: "the evidence key", state: "ok", said: "is enabled", toDo: null },
            { id: "sample", lookedAt: "the sample", state: "ok", said: "arrived", toDo: null },
        ],
        alarm: { name: "clean-room dead-letters", rungAt: 1000, toldAt: 2000, saysWhy: true },
        now: Date.parse("2026-11-24T12:00:00Z"),
        interfaces: [
            { networkInterfaceId: "eni-1", groups: ["sg-iso"] },
            { networkInterfaceId: "eni-2", groups: ["sg-iso"] },
        ],
        victim: {
            state: "running",
            terminationProtected: true,
            stopProtected: true,
            metadata: "disabled",
            volumes: [
                { volumeId: "vol-1", deleteOnTermination: false },
                { volumeId: "vol-2", deleteOnTermination: false },
            ],
        },
        autoScaling: {
            name: "web",
            minimum: 1,
            desiredBefore: 1,
            desired: 1,
            members: [{ instanceId: "i-0dddddddddddddddd", lifecycle: "InService", state: "running" }],
        },
        loadBalancers: [
            { name: "target group web", instances: ["i-0dddddddddddddddd"] },
            { name: "classic load balancer web", instances: [] },
        ],
        stolenCredentials: {
            victim: { instanceId: "i-0aaaaaaaaaaaaaaaa", before: "allowed", after: "UnauthorizedOperation" },
            neighbour: { instanceId: "i-0eeeeeeeeeeeeeeee", before: "allowed", after: "allowed" },
        },
        isolationGroup: { groupId: "sg-iso", ingressRules: 0, egressRules: 0 },
        volumes: [
            { volumeId: "vol-1", role: "root", sha256Before: "a".repeat(64), sha256After: "a".repeat(64) },
            { volumeId: "vol-2", role: "data", sha256Before: "b".repeat(64), sha256After: "b".repeat(64) },
        ],
        evidenceSnapshots: ["vol-1", "vol-2"].map((sourceVolumeId) => ({
            snapshotId: `snap-of-${sourceVolumeId}`,
            sourceVolumeId,
            ownerId: "111111111111",
            state: "completed",
            encrypted: true,
            lock: { mode: "governance", expiresAt: "2026-12-24T12:00:00Z" },
        })),
        forensicInstances: [{ id: "i-0bbbbbbbbbbbbbbbb", state: "terminated" }],
        forensicVolumes: [],
        custody: {
            wrong: null,
            lookedAt: ["1 seal"],
            proves: "origin",
            tamperings: Array.from({ length: 20 }, (_, index) => ({ what: `flip ${index}`, found: "WRONG" })),
        },
        metadata: ["now", "later"].flatMap((round) =>
            Array.from({ length: 9 }, (_, index) => ({ round, part: `part-${index}`, outcome: "read", missing: [] as string[] })),
        ),
        credentialCalls: ["DescribeInstances"],
        firstLook: { toldAt: 9_000, analysisStartedAt: 1_000, reportAt: 30_000 },
        reportText: "",
        memory: null,
        report: { htmlBytes: 40_000, complete: true, intact: true },
        manifest: { objects: [{ key: "findings.jsonl", expected: "c".repeat(64), actual: "c".repeat(64) }] },
        tickets: [{ id: "case-1", text: "Incident i-0aaaaaaaaaaaaaaaa-0123456789abcdef" }],
        slack: [
            { title: "Contained: i-0aaaaaaaaaaaaaaaa in account 222222222222", violations: [] },
            { title: "First look: signs of compromise – i-0aaaaaaaaaaaaaaaa in account 222222222222", violations: [] },
            { title: "[Drill] Report: Signs of compromise – i-0aaaaaaaaaaaaaaaa", violations: [] },
        ],
        findings: [
            {
                schemaVersion: 1,
                id: "f1",
                check: "cron",
                severity: "critical",
                title: "A cron job downloads and runs a script",
                path: "/etc/cron.d/sysupdate",
                volumeId: "vol-1",
                evidence: "curl | bash",
                attack: ["T1053.003"],
                modified: null,
                sha256: null,
                rule: null,
            },
        ],
        artefacts: [
            {
                id: "cron-miner",
                volume: "root",
                check: "cron",
                path: "/etc/cron.d/sysupdate",
                severityAtLeast: "high",
                needsJournalReplay: false,
                attack: ["T1053.003"],
                hostileText: false,
                note: "",
            },
            {
                id: "newest-shell",
                volume: "data",
                check: "web-shell",
                path: "/www/new.php",
                severityAtLeast: "high",
                needsJournalReplay: true,
                attack: ["T1505.003"],
                hostileText: false,
                note: "",
            },
        ],
        journalReplayed: ["root"],
    };
}

const failed = (facts: Facts) =>
    runChecks(facts)
        .filter((check) => !check.passed)
        .map((check) => check.name);

/** Each line breaks one fact and names the check that has to notice. */
const broken: [string, RegExp, (facts: Facts) => void][] = [
    ["an interface keeps its old group beside the isolation group", /^Every interface/, (f) => f.interfaces[1]!.groups.unshift("sg-web")],
    ["an interface carries another group", /^Every interface/, (f) => (f.interfaces[1]!.groups = ["sg-web"])],
    ["the victim has no interface", /^Every interface/, (f) => (f.interfaces = [])],
    ["the isolation group has an egress rule", /^The isolation group/, (f) => (f.isolationGroup!.egressRules = 1)],
    ["the isolation group has an ingress rule", /^The isolation group/, (f) => (f.isolationGroup!.ingressRules = 1)],
    ["the victim's credentials still work", /^The victim's stolen/, (f) => (f.stolenCredentials.victim.after = "allowed")],
    [
        "a call with the victim's credentials failed for another reason",
        /^The victim's stolen/,
        (f) => (f.stolenCredentials.victim.after = "ECONNREFUSED"),
    ],
    ["the victim's credentials never worked", /^The victim's stolen/, (f) => (f.stolenCredentials.victim.before = "UnauthorizedOperation")],
    [
        "the neighbour's credentials are denied, too",
        /^The victim's stolen/,
        (f) => (f.stolenCredentials.neighbour.after = "UnauthorizedOperation"),
    ],
    ["the victim is gone", /^The victim still runs/, (f) => (f.victim = null)],
    ["the victim was terminated", /^The victim still runs/, (f) => (f.victim!.state = "terminated")],
    ["the victim may be terminated", /^The victim still runs/, (f) => (f.victim!.terminationProtected = false)],
    ["the victim may be stopped", /^The victim still runs/, (f) => (f.victim!.stopProtected = false)],
    ["the victim still gets credentials", /^The victim still runs/, (f) => (f.victim!.metadata = "enabled")],
    ["a volume would be deleted with the victim", /^The victim still runs/, (f) => (f.victim!.volumes[1]!.deleteOnTermination = true)],
    ["a volume was detached", /^The victim still runs/, (f) => f.victim!.volumes.pop()],
    ["the Auto Scaling group is gone", /^The victim left/, (f) => (f.autoScaling = null)],
    ["the desired capacity was lowered", /^The victim left/, (f) => Object.assign(f.autoScaling!, { desired: 0, members: [] })],
    ["the replacement has not come", /^The victim left/, (f) => (f.autoScaling!.members = [])],
    ["the replacement does not run", /^The victim left/, (f) => (f.autoScaling!.members[0]!.state = "terminated")],
    [
        "the victim is still in its group",
        /^The victim left/,
        (f) => f.autoScaling!.members.push({ instanceId: f.instanceId, lifecycle: "Standby", state: "running" }),
    ],
    ["a target group still has the victim", /^No load balancer/, (f) => f.loadBalancers[0]!.instances.push(f.instanceId)],
    ["a classic load balancer still has the victim", /^No load balancer/, (f) => f.loadBalancers[1]!.instances.push(f.instanceId)],
    ["no load balancer was looked at", /^No load balancer/, (f) => (f.loadBalancers = [])],
    ["a volume has no snapshot", /^One locked snapshot/, (f) => f.evidenceSnapshots.pop()],
    ["a snapshot is not locked", /^One locked snapshot/, (f) => (f.evidenceSnapshots[0]!.lock = null)],
    ["a lock has run out", /^One locked snapshot/, (f) => (f.evidenceSnapshots[0]!.lock!.expiresAt = "2026-11-24T11:59:59Z")],
    ["a snapshot is not finished", /^One locked snapshot/, (f) => (f.evidenceSnapshots[0]!.state = "pending")],
    ["a snapshot is in the member account", /^One locked snapshot/, (f) => (f.evidenceSnapshots[0]!.ownerId = "222222222222")],
    ["a snapshot is not encrypted", /^One locked snapshot/, (f) => (f.evidenceSnapshots[0]!.encrypted = false)],
    ["two snapshots are of the same volume", /^One locked snapshot/, (f) => (f.evidenceSnapshots[1]!.sourceVolumeId = "vol-1")],
    [
        "a third snapshot was left behind",
        /^One locked snapshot/,
        (f) => f.evidenceSnapshots.push({ ...f.evidenceSnapshots[0]!, snapshotId: "snap-3", sourceVolumeId: null }),
    ],
    ["a disk image was written", /^The disk images/, (f) => (f.volumes[1]!.sha256After = "d".repeat(64))],
    ["preflight found something broken", /^Preflight/, (f) => (f.readiness[0]!.state = "broken")],
    ["preflight could not look at something", /^Preflight/, (f) => (f.readiness[0]!.state = "not looked at")],
    ["nobody was told of an alarm", /^An alarm/, (f) => (f.alarm.toldAt = null)],
    ["people were told of an alarm, and not why", /^An alarm/, (f) => (f.alarm.saysWhy = false)],
    ["no sample was sent", /^Preflight/, (f) => f.readiness.pop()],
    ["the forensic instance still runs", /^The forensic instance/, (f) => (f.forensicInstances[0]!.state = "running")],
    ["no forensic instance ever ran", /^The forensic instance/, (f) => (f.forensicInstances = [])],
    ["the second round is missing", /^What AWS said/, (f) => (f.metadata = f.metadata.filter(({ round }) => round === "now"))],
    ["a part could not be read", /^What AWS said/, (f) => f.metadata[3]!.missing.push("AccessDenied")],
    ["the stolen credentials' call is not on record", /^What AWS said/, (f) => (f.credentialCalls = [])],
    ["the case does not verify", /^The case verifies/, (f) => (f.custody.wrong = "an object is missing")],
    ["a tampering was not found", /^The case verifies/, (f) => (f.custody.tamperings[3]!.found = null)],
    ["nothing was tampered with", /^The case verifies/, (f) => (f.custody.tamperings = [])],
    ["the key came with the case", /^The case verifies/, (f) => (f.custody.proves = "consistency")],
    ["a work volume was left", /^The forensic instance/, (f) => f.forensicVolumes.push({ id: "vol-9", state: "available" })],
    ["there is no report", /^Report and manifest/, (f) => (f.report!.htmlBytes = 0)],
    ["there is no manifest", /^Report and manifest/, (f) => (f.manifest = null)],
    ["the manifest is empty", /^Report and manifest/, (f) => (f.manifest!.objects = [])],
    ["an output was altered", /^Report and manifest/, (f) => (f.manifest!.objects[0]!.actual = "e".repeat(64))],
    ["an output is missing", /^Report and manifest/, (f) => (f.manifest!.objects[0]!.actual = null)],
    ["the report says that evidence was altered", /^The report says/, (f) => (f.report!.intact = false)],
    ["no ticket is about the incident", /^A ticket/, (f) => (f.tickets[0]!.text = "Something else")],
    ["the ticket was opened twice", /^A ticket/, (f) => f.tickets.push(f.tickets[0]!)],
    ["Slack was not told of the isolation", /^Slack was told of the isolation/, (f) => f.slack.shift()],
    ["Slack would have refused the message", /^Slack was told of the isolation/, (f) => f.slack[0]!.violations.push("51 blocks")],
    ["Slack was not told of the report", /^Slack was told of the report/, (f) => f.slack.pop()],
    [
        "the report's message names another instance",
        /^Slack was told of the report/,
        (f) => (f.slack[2]!.title = "Report: Nothing found – i-0ccccccccccccccc"),
    ],
    ["people were told twice of the report", /^Slack was told of the report/, (f) => f.slack.push(f.slack[2]!)],
    [
        "Slack was told that the instance is not contained",
        /^Slack was told of the isolation/,
        (f) => (f.slack[0]!.title = "NOT contained: i-0aaaaaaaaaaaaaaaa"),
    ],
    ["nobody was told a first look", /^People were told the first look/, (f) => (f.firstLook = null)],
    ["the first look came late", /^People were told the first look/, (f) => (f.firstLook!.toldAt = 62_000)],
    ["the first look came after the report", /^People were told the first look/, (f) => (f.firstLook!.toldAt = 30_001)],
    ["the first look was told twice", /^People were told the first look/, (f) => f.slack.push(f.slack[1]!)],
    ["an artefact was missed", /^Every planted/, (f) => (f.findings = [])],
    ["an artefact was seen on the wrong volume", /^Every planted/, (f) => (f.findings[0]!.volumeId = "vol-2")],
    ["an artefact was seen by the wrong check", /^Every planted/, (f) => (f.findings[0]!.check = "systemd")],
    ["an artefact was played down", /^Every planted/, (f) => (f.findings[0]!.severity = "medium")],
    ["an artefact was seen somewhere else", /^Every planted/, (f) => (f.findings[0]!.path = "/etc/cron.d/other")],
    ["a replayed journal showed nothing new", /^Every planted/, (f) => f.journalReplayed.push("data")],
    ["nothing was planted", /^Every planted/, (f) => (f.artefacts = [])],
];

/** As goodFacts(), with memory taken before the last cut. */
function goodMemoryFacts(): Facts & { memory: MemoryFacts } {
    const facts = goodFacts();
    const evidence = `pid 17 ${planted.program}`;
    const found = (id: string, title: string) => ({
        ...facts.findings[0]!,
        id,
        volumeId: "vol-3",
        check: "volatile-state",
        title,
        evidence,
    });
    return {
        ...facts,
        evidenceSnapshots: [
            ...facts.evidenceSnapshots,
            { ...facts.evidenceSnapshots[0]!, snapshotId: "snap-of-vol-3", sourceVolumeId: "vol-3" },
        ],
        findings: [
            ...facts.findings,
            found("m1", "A running program was deleted"),
            found("m2", "A process was started with LD_PRELOAD"),
            found("m3", "A suspicious program listens for connections"),
        ],
        reportText: `<li>${planted.program}</li>`,
        memory: {
            mode: "volatile",
            told: {
                schemaVersion: 1,
                incidentId: facts.incidentId,
                mode: "volatile",
                path: "quarantine",
                outcome: "complete",
                reason: null,
                beganAt: "2026-11-24T11:50:01.000Z",
                quarantinedAt: "2026-11-24T11:50:04.000Z",
                deadline: "2026-11-24T11:51:10.000Z",
                taskSeconds: 60,
                zone: "eu-west-1a",
                instanceType: "t3.medium",
                steps: [],
                volumeId: "vol-3",
                commandId: "c-1",
                commandSentAt: "2026-11-24T11:50:08.000Z",
                endedAt: "2026-11-24T11:50:20.000Z",
                files: 40,
                bytes: 4_000_000,
            },
            containedAt: "2026-11-24T11:50:22.000Z",
            sentAt: Date.parse("2026-11-24T11:50:00.000Z"),
            atMostSeconds: 90,
            quarantine: {
                at: Date.parse("2026-11-24T11:50:10.000Z"),
                groupId: "sg-quarantine",
                interfaces: [["sg-quarantine"], ["sg-quarantine"]],
                ingress: [],
                egress: ["tcp 443-443 to sg-endpoints"],
                agentOnline: true,
                stolenCredentials: "UnauthorizedOperation",
            },
            endpointGroup: "sg-endpoints",
            volumesLeft: [],
        },
    };
}

/** As `broken`, of what is checked where memory is taken. */
const brokenMemory: [string, RegExp, (facts: Facts & { memory: MemoryFacts }) => void][] = [
    ["the victim was never seen in quarantine", /^While memory/, (f) => (f.memory.quarantine = null)],
    ["the quarantine has a second way out", /^While memory/, (f) => f.memory.quarantine!.egress.push("tcp 443-443 to 0.0.0.0/0")],
    ["the quarantine leads elsewhere", /^While memory/, (f) => (f.memory.quarantine!.egress = ["tcp 443-443 to sg-web"])],
    ["the quarantine lets something in", /^While memory/, (f) => f.memory.quarantine!.ingress.push("tcp 22-22 to 10.0.0.0/8")],
    ["the thief could act in the quarantine", /^Meanwhile/, (f) => (f.memory.quarantine!.stolenCredentials = "allowed")],
    ["the deny cut the agent too", /^Meanwhile/, (f) => (f.memory.quarantine!.agentOnline = false)],
    ["it was contained late", /^It was contained/, (f) => (f.memory.containedAt = "2026-11-24T11:51:32.000Z")],
    ["it was contained before its memory was taken", /^It was contained/, (f) => (f.memory.containedAt = "2026-11-24T11:50:19.000Z")],
    ["it was never contained", /^It was contained/, (f) => (f.memory.containedAt = null)],
    ["nothing was taken", /^What lives only/, (f) => (f.memory.told = { ...f.memory.told!, outcome: "skipped", files: null })],
    ["a part was taken", /^What lives only/, (f) => (f.memory.told = { ...f.memory.told!, outcome: "partial", reason: "no room" })],
    ["the acquisition volume is not preserved", /^The acquisition volume/, (f) => f.evidenceSnapshots.pop()],
    ["the acquisition volume was left behind", /^The acquisition volume/, (f) => f.memory.volumesLeft.push("vol-3")],
    ["the acquisition volume is not locked", /^One locked snapshot/, (f) => (f.evidenceSnapshots[2]!.lock = null)],
    ["the listening socket was missed", /^The planted process/, (f) => f.findings.pop()],
    ["the signs are another program's", /^The planted process/, (f) => (f.findings[2]!.evidence = "pid 18 /usr/bin/nc")],
    ["the report is silent about it", /^The planted process/, (f) => (f.reportText = "")],
];

describe("rehearsal checks where memory is taken", () => {
    it("hold when everything went well, and are not made where none is taken", () => {
        expect(failed(goodMemoryFacts())).to.deep.equal([]);
        expect(runChecks(goodMemoryFacts())).to.have.length(runChecks(goodFacts()).length + 6);
    });

    for (const [what, check, breakIt] of brokenMemory)
        it(`notice when ${what}`, () => {
            const facts = goodMemoryFacts();
            breakIt(facts);
            expect(failed(facts).filter((name) => check.test(name))).to.have.length(1);
        });

    it("accept an image that this machine does not offer, with the reason", () => {
        const facts = goodMemoryFacts();
        const partial = { ...facts.memory.told!, mode: "full" as const, outcome: "partial" as const, reason: "no memory device" };
        Object.assign(facts.memory, { mode: "full", told: partial });
        expect(failed(facts)).to.deep.equal([]);
        facts.memory.told = { ...partial, reason: null };
        expect(failed(facts)).to.have.length(1);
    });
});

describe("rehearsal checks", () => {
    it("hold when everything went well", () => {
        expect(failed(goodFacts())).to.deep.equal([]);
        expect(runChecks(goodFacts())).to.have.length(20);
    });

    for (const [what, check, breakIt] of broken) {
        it(`notice when ${what}`, () => {
            const facts = goodFacts();
            breakIt(facts);
            expect(failed(facts).filter((name) => check.test(name))).to.have.length(1);
        });
    }

    it("break every check at least once in this file", () => {
        const names = runChecks(goodFacts()).map((check) => check.name);
        expect(names.filter((name) => !broken.some(([, check]) => check.test(name)))).to.deep.equal([]);
    });

    it("notice when the isolation group is gone", () => {
        const facts = { ...goodFacts(), isolationGroup: null };
        expect(failed(facts)).to.have.length(2);
    });

    it("compare paths as the analysis displays them", () => {
        const facts = goodFacts();
        facts.artefacts[0]!.path = "/tmp/.update\n0|innocent\u202e\udcff\\";
        facts.findings[0]!.path = "/tmp/.update\\n0|innocent\\u202e\\xff\\\\";
        expect(failed(facts)).to.deep.equal([]);
    });
});
