import { createHash } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { forgetBrake } from "../../functions/aws/brake";
import { heldSchema } from "../../functions/domain/brake";
import { markReleased, standingIncident, updateIncident } from "../../functions/aws/incidentsTable";
import { approvalAnswerSchema, findingSchema, incidentSchema, problemSchema } from "../../functions/domain/containers";
import { executionName } from "../../functions/domain/executions";
import { incidentIdOf } from "../../functions/domain/proposeIncidents";
import { fitForQueue, handler, permissions } from "../../functions/startIncident";
import type { Call } from "../support/aws/accounts";
import { LoopbackAws } from "../support/aws/loopback";
import { fixture, fixtureText, put, victim, victimFindingId } from "./domain/messageFixtures";

/** A Region no other spec makes clients for: they are kept, and so is the endpoint they were made with. */
const region = "ap-southeast-5";
const here = { ...victim, region };

/** SNS's event of one message a record. Text stays as it is. */
function delivery(...messages: unknown[]) {
    return {
        Records: messages.map((message, index) => ({
            EventSource: "aws:sns",
            Sns: { MessageId: `message-${index}`, Message: typeof message === "string" ? message : JSON.stringify(message) },
        })),
    };
}

function findingHere(instanceId = here.instanceId): Record<string, unknown> {
    const event = fixture("eventbridge");
    put(event, "detail.region", region);
    put(event, "detail.resource.instanceDetails.instanceId", instanceId);
    return event;
}

describe("startIncident", () => {
    const aws = new LoopbackAws();
    /** Status by the execution's name. */
    const { executions } = aws.stepFunctions;
    const logged: Record<string, unknown>[] = [];
    /** The custody log lies beside the evidence, and is written with who the function is. */
    const log = "/custody/log/";
    const isOfLog = ({ name, input }: Call) =>
        name === "GetCallerIdentity" || [input.Key, input.Prefix].some((each) => typeof each === "string" && each.includes(log));
    const evidence = () => [...aws.objects].filter(([key]) => !key.includes(log));

    const print = console.log;
    const run = (event: unknown): Promise<void> => handler(event);

    const problems = () =>
        [...aws.objects]
            .filter(([path]) => path.endsWith(".error.json"))
            .map(([path, text]) => ({ path, problem: problemSchema.parse(JSON.parse(text)) }));

    before(async () => {
        await aws.start((endpoint) => ({
            AWS_REGION: region,
            FORENSICS_ACCOUNT_ID: "111111111111",
            STATE_MACHINE_ARN: `arn:aws:states:${region}:111111111111:stateMachine:incident`,
            DEAD_LETTER_QUEUE_URL: `${endpoint}/111111111111/refused`,
            EVIDENCE_BUCKET: "evidence",
            INCIDENTS_TABLE: "incidents",
            WATCH_FUNCTION: "watch",
        }));
    });

    beforeEach(() => {
        // Log lines are kept instead of printed.
        console.log = (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>);
        Object.assign(process.env, { DRILL: "", MEMBER_ACCOUNTS: `333333333333, ${victim.accountId}`, CONTAINMENT_POLICY: "{}" });
        aws.record.length = 0;
        executions.clear();
        aws.table.items.clear();
        aws.objects.clear();
        aws.refusals.clear();
        logged.length = 0;
        forgetBrake();
    });

    afterEach(() => {
        console.log = print;
    });

    after(() => aws.stop());

    it("starts one execution named by the incident, with the incident as its input", async () => {
        await run(delivery(findingHere()));
        const [call] = aws.of("StartExecution");
        const incident = incidentSchema.parse(JSON.parse(call.input as string));
        expect(call).to.include({ name: incidentIdOf(here, victimFindingId), stateMachineArn: process.env.STATE_MACHINE_ARN });
        expect(incident).to.deep.include({ incidentId: call.name, instance: here });
        expect(aws.record.filter((each) => !isOfLog(each)).map(({ name }) => name)).to.deep.equal([
            "TransactWriteItems",
            // The brake: the count is read once a function's life, and written.
            "GetItem",
            "PutItem",
            "StartExecution",
            "UpdateItem",
            "PutObject",
        ]);
        // And the message is in the incident's custody log, with who kept it.
        const [entry] = [...aws.objects]
            .filter(([key]) => key.includes(log))
            .map(([, text]) => JSON.parse(text) as { who: string; what: string; object: { key: string } });
        expect(entry).to.deep.include({ what: "s3:PutObject", who: "arn:aws:sts::111111111111:assumed-role/start/start" });
        expect(entry!.object.key).to.match(new RegExp(`^incidents/${incident.incidentId}/messages/`));
    });

    it("keeps the message byte for byte, under the hash that the incident's finding has", async () => {
        const text = `${JSON.stringify(findingHere(), null, 3)}\n`;
        await run(delivery(text));
        const incident = incidentSchema.parse(JSON.parse(aws.of("StartExecution")[0]!.input as string));
        const sha256 = createHash("sha256").update(text).digest("hex");
        expect(incident.finding.message).to.deep.equal({ sha256, bytes: Buffer.byteLength(text) });
        const [[path, kept]] = evidence();
        expect(path).to.match(new RegExp(`${incident.prefix}messages/${sha256}\\.json$`));
        expect(kept).to.equal(text);
    });

    it("keeps the message of a finding whose first run broke off after the start", async () => {
        aws.refusals.set("PutObject", "AccessDeniedException");
        await run(delivery(findingHere())).then(
            () => expect.fail("did not throw"),
            () => undefined,
        );
        expect([executions.size, evidence().length]).to.deep.equal([1, 0]);
        aws.refusals.clear();
        await run(delivery(findingHere()));
        expect([executions.size, evidence().length]).to.deep.equal([1, 1]);
    });

    it("starts one for each instance of a sequence", async () => {
        const event = fixture("attack-sequence-ec2");
        put(event, "detail.region", region);
        const resources = (event.detail as { service: { detection: { sequence: { resources: Record<string, unknown>[] } } } }).service
            .detection.sequence.resources;
        for (const resource of resources) Object.assign(resource, { uid: resource.name, region });
        await run(delivery(event));
        expect(aws.of("StartExecution").map((call) => (call.name as string).slice(0, 19))).to.deep.equal([
            "i-0a1b2c3d4e5f60718",
            "i-0b2c3d4e5f6071829",
        ]);
        // Linked by the finding: in the table, and in each incident.
        const items = [...aws.table.items.values()].filter((item) => item.findingId);
        expect(items).to.have.length(2);
        expect(new Set(items.map((item) => item.findingId!.S)).size).to.equal(1);
        expect(items.map((item) => incidentSchema.parse(JSON.parse(item.incident!.S as string)).finding.instances.length)).to.deep.equal([
            2, 2,
        ]);
    });

    it("lets a repeated message change nothing", async () => {
        await run(delivery(findingHere()));
        await run(delivery(findingHere()));
        expect(executions.size).to.equal(1);
        expect(aws.of("SendMessage")).to.be.empty;
        expect(logged.map((line) => line.message)).to.deep.equal(["incident started", "finding is known already; nothing to do"]);
    });

    it("has the watch look at an instance that a later finding or message is about, and follows the finding where it cannot", async () => {
        await run(delivery(findingHere()));
        expect(aws.of("Invoke")).to.be.empty;
        await run(delivery(findingHere()));
        await run(delivery(otherFindingHere()));
        expect(aws.of("Invoke")).to.deep.equal(
            Array(2).fill({ FunctionName: "watch", InvocationType: "Event", Payload: JSON.stringify({ instance: here }) }),
        );
        aws.refusals.set("Invoke", "AccessDeniedException");
        await run(delivery({ instanceId: here.instanceId, accountId: here.accountId, region, reason: "is it still cut off?" }));
        expect((await standing()).findings).to.have.length(3);
    });

    /** The same instance, found by another finding. */
    function otherFindingHere(severity = 5): Record<string, unknown> {
        const event = findingHere();
        put(event, "detail.id", "0ther");
        put(event, "detail.severity", severity);
        return event;
    }
    const standing = async () => (await standingIncident(here))!;

    it("lets another finding join the open incident, in the table and beside its evidence", async () => {
        await run(delivery(findingHere()));
        await run(delivery(otherFindingHere(), otherFindingHere()));
        expect(executions.size).to.equal(1);
        const { incident, findings } = await standing();
        expect(incident.incidentId).to.equal(incidentIdOf(here, victimFindingId));
        expect(findings.map(({ id }) => id)).to.deep.equal([victimFindingId, "0ther"]);
        const joined = [...aws.objects].filter(([path]) => path.includes("/findings/"));
        const kept = joined.map(([path, text]) => ({ path, finding: findingSchema.parse(JSON.parse(text)) }));
        expect(kept.map(({ path }) => path.replace(/[0-9a-f]{16}\.json$/, "*"))).to.deep.equal([`${incident.prefix}findings/*`]);
        expect(kept[0]!.finding.id).to.equal("0ther");
        expect(logged.map((line) => line.message)).to.deep.equal([
            "incident started",
            "finding joined the open incident of its instance",
            "finding is known already; nothing to do",
        ]);
        // The two messages that were received, of which the second came twice.
        expect([...aws.objects.keys()].filter((path) => path.includes("/messages/"))).to.have.length(2);
    });

    it("opens one incident of all findings about an instance in one message, the gravest first", async () => {
        const event = fixture("securityhub-custom-action");
        const findings = (event.detail as { findings: Record<string, unknown>[] }).findings;
        const [first] = findings;
        put(first, "Region", region);
        put(first, "Resources", [{ Type: "AwsEc2Instance", Id: here.instanceId, Region: region }]);
        const graver = { ...first, Id: "graver", Severity: { Product: 9, Normalized: 90 } };
        const third = { ...first, Id: "third", Severity: { Product: 5, Normalized: 50 } };
        put(event, "detail.findings", [first, graver, third]);
        await run(delivery(event));
        expect(executions.size).to.equal(1);
        const record = await standing();
        expect(record.incident.finding.id).to.equal("graver");
        expect(record.findings.map(({ id }) => id)).to.have.members(["graver", "third", first!.Id]);
        // Those that joined lie whole beside the evidence.
        expect([...aws.objects.keys()].filter((path) => path.includes("/findings/"))).to.have.length(2);
    });

    it("starts one execution for two findings at the same moment", async () => {
        await Promise.all([run(delivery(findingHere())), run(delivery(otherFindingHere())), run(delivery(findingHere()))]);
        expect(executions.size).to.equal(1);
        expect((await standing()).findings).to.have.length(2);
    });

    it("starts what a run that broke off had only written down", async () => {
        aws.refusals.set("StartExecution", "AccessDeniedException");
        await run(delivery(findingHere())).catch(() => undefined);
        expect(executions.size).to.equal(0);
        aws.refusals.clear();
        // Another finding heals it too, with the input of the first.
        await run(delivery(otherFindingHere()));
        const [started] = aws.of("StartExecution").slice(-1);
        expect(started!.name).to.equal(incidentIdOf(here, victimFindingId));
        expect(incidentSchema.parse(JSON.parse(started!.input as string)).finding.id).to.equal(victimFindingId);
    });

    it("opens the next incident after a release, with an id of its own", async () => {
        await run(delivery(findingHere()));
        await markReleased(incidentIdOf(here, victimFindingId));
        await run(delivery(findingHere()));
        expect(executions.size, "a replay opens nothing").to.equal(1);
        const recurring = findingHere();
        put(recurring, "detail.updatedAt", "2026-12-01T00:00:00.000Z");
        await run(delivery(recurring));
        expect([...executions.keys()]).to.deep.equal([incidentIdOf(here, victimFindingId), incidentIdOf(here, victimFindingId, 2)]);
        expect((await standing()).generation).to.equal(2);
    });

    it("answers for people when a finding joins that asks nobody", async () => {
        process.env.CONTAINMENT_POLICY = JSON.stringify({ mode: "approval", rules: [{ minimumSeverity: 9, mode: "automatic" }] });
        await run(delivery(findingHere()));
        await updateIncident(incidentIdOf(here, victimFindingId), (record) => ({
            ...record,
            approval: { taskToken: "the-token", expiresAt: "2026-11-24T11:00:00.000Z", answer: null },
        }));
        await run(delivery(otherFindingHere(5)));
        expect(aws.of("SendTaskSuccess")).to.be.empty;
        await run(delivery(otherFindingHere(9.5)));
        const [input] = aws.of("SendTaskSuccess");
        expect(input!.taskToken).to.equal("the-token");
        expect(approvalAnswerSchema.parse(JSON.parse(input!.output as string))).to.deep.include({ approved: true, by: "finding 0ther" });
    });

    it("begins anew by another finding when the response failed and left the instance open", async () => {
        await run(delivery(findingHere()));
        executions.set(incidentIdOf(here, victimFindingId), "FAILED");
        await run(delivery(otherFindingHere()));
        expect([...executions.keys()]).to.deep.equal([incidentIdOf(here, victimFindingId), incidentIdOf(here, "0ther", 2)]);
    });

    it("joins an incident whose response failed and was resumed: it is the newest execution that counts", async () => {
        await run(delivery(findingHere()));
        const first = incidentIdOf(here, victimFindingId);
        executions.set(first, "FAILED").set(executionName(first, 2), "RUNNING");
        const other = findingHere();
        put(other, "detail.id", "0ther");
        await run(delivery(other));
        expect([...executions.keys()]).to.deep.equal([first, executionName(first, 2)]);
        executions.set(executionName(first, 2), "FAILED");
        put(other, "detail.id", "third");
        await run(delivery(other));
        expect([...executions.keys()]).to.include(incidentIdOf(here, "third", 2));
    });

    it("parks a refused message unchanged with the reason, and tells people once", async () => {
        const raw = fixtureText("s3-bucket");
        await run(delivery(raw));
        const [input] = aws.of("SendMessage");
        expect(input!.MessageBody).to.equal(raw);
        expect((input!.MessageAttributes as { reason: { StringValue: string } }).reason.StringValue).to.match(
            /"S3Bucket", not an EC2 instance/,
        );
        const [{ path, problem }] = problems();
        expect(path).to.match(/^incidents\/refused\/[0-9a-f]{16}\/errors\/StartIncident\.error\.json$/);
        expect(problem).to.include({ incidentId: null, step: "StartIncident", error: "MessageRefused" });
        expect(problem.cause).to.match(/"S3Bucket".*The message lies in the dead-letter queue\.$/);
        expect(aws.of("StartExecution")).to.be.empty;

        await run(delivery(raw));
        expect(problems()).to.have.length(1);
        // Only a write that creates the object tells people.
        expect(aws.of("PutObject").map(({ IfNoneMatch }) => IfNoneMatch)).to.deep.equal(["*", "*"]);
    });

    it("refuses by message, not by content: the same bad message sent anew is told anew", async () => {
        await run(delivery("nonsense", "nonsense"));
        expect(problems()).to.have.length(2);
        expect(aws.of("SendMessage")).to.have.length(2);
    });

    describe("a finding filed under another resource", () => {
        const exfiltration = () => {
            const event = fixture("access-key-beside-instance");
            put(event, "detail.region", region);
            return event;
        };

        it("is told to people with the instance, and starts nothing, whatever the rules say of everything", async () => {
            process.env.CONTAINMENT_POLICY = JSON.stringify({
                rules: [
                    { minimumSeverity: 1, mode: "automatic" },
                    { findingType: "*", mode: "automatic" },
                ],
            });
            await run(delivery(exfiltration()));
            expect(executions.size).to.equal(0);
            const [{ problem }] = problems();
            expect(problem.instance).to.deep.equal(here);
            expect(problem.cause).to.contain(here.instanceId).and.contain("containment.rules");
        });

        it("is followed where a rule names its type, by that rule's mode", async () => {
            process.env.CONTAINMENT_POLICY = JSON.stringify({
                rules: [{ findingType: "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration*", mode: "approval" }],
            });
            await run(delivery(exfiltration()));
            expect(problems()).to.deep.equal([]);
            const record = await standingIncident(here);
            expect(record!.findings.map(({ mode, type }) => [mode, type.split("/")[0]])).to.deep.equal([
                ["approval", "UnauthorizedAccess:IAMUser"],
            ]);
        });

        it("is not followed by a rule whose other conditions do not hold", async () => {
            process.env.CONTAINMENT_POLICY = JSON.stringify({
                rules: [{ findingType: "UnauthorizedAccess:IAMUser/*", accounts: ["333333333333"], mode: "automatic" }],
            });
            await run(delivery(exfiltration()));
            expect(executions.size).to.equal(0);
            expect(problems()).to.have.length(1);
        });
    });

    describe("a finding of Security Hub's other products", () => {
        const imported = (productArn: string, types: string[], resource = { Type: "AwsEc2Instance", Id: here.instanceId }) => {
            const event = fixture("securityhub-imported");
            const [finding] = (event.detail as { findings: Record<string, unknown>[] }).findings;
            Object.assign(finding!, {
                ProductArn: productArn,
                ProductName: "another",
                Types: types,
                Region: region,
                Resources: [{ ...resource, Region: region }],
            });
            put(event, "detail.findings", [finding]);
            return event;
        };
        const arn = (name: string) => `arn:aws:securityhub:${region}::product/${name}`;
        const counted = () => logged.filter((line) => line.message === "message left aside");

        for (const [what, event] of [
            ["Inspector's", () => imported(arn("aws/inspector"), ["Software and Configuration Checks/Vulnerabilities/CVE"])],
            [
                "Macie's",
                () =>
                    imported(arn("aws/macie"), ["Effects/Data Exposure/SensitiveData:S3Object-Personal"], {
                        Type: "AwsS3Bucket",
                        Id: "arn:aws:s3:::b",
                    }),
            ],
            ["Config's", () => imported(arn("aws/config"), ["Software and Configuration Checks"])],
            [
                "Security Hub's own",
                () => imported(arn("aws/securityhub"), ["Software and Configuration Checks/Industry and Regulatory Standards"]),
            ],
            ["another vendor's scanner's", () => imported(arn("prowler/prowler"), ["Software and Configuration Checks/Prowler"])],
        ] as const)
            it(`is counted and logged, and neither parked nor told: ${what}`, async () => {
                await run(delivery(event()));
                expect([aws.of("SendMessage").length, problems().length, executions.size]).to.deep.equal([0, 0, 0]);
                expect(counted()).to.have.length(1);
                expect(counted()[0]).to.include({ MessagesLeftAside: 1 });
                expect(counted()[0]!.reason).to.match(/not from GuardDuty/);
            });

        it("is told where another vendor's detector names an instance", async () => {
            await run(delivery(imported(arn("crowdstrike/crowdstrike-falcon"), ["TTPs/Execution"])));
            expect(problems()[0]!.problem.instance).to.deep.equal(here);
            expect(counted()).to.deep.equal([]);
        });

        it("is followed where a rule names its type", async () => {
            process.env.CONTAINMENT_POLICY = JSON.stringify({ rules: [{ findingType: "Effects/*", mode: "automatic" }] });
            await run(delivery(imported(arn("aws/detective"), ["Effects/Data Exfiltration"])));
            expect(executions.size).to.equal(1);
            expect(counted()).to.deep.equal([]);
        });
    });

    it("starts a sample in a drill only", async () => {
        await run(delivery(findingHere("i-99999999")));
        expect(aws.of("StartExecution")).to.be.empty;
        expect(problems()[0].problem.cause).to.match(/sample finding about i-99999999/);
        expect(problems()[0].problem.instance).to.deep.equal({ ...here, instanceId: "i-99999999" });
        process.env.DRILL = "true";
        await run(delivery(findingHere("i-99999999")));
        expect(aws.of("StartExecution")).to.have.length(1);
    });

    it("takes the sample that a readiness check waits for as seen, and any other as what it is", async () => {
        const waits = (until: string) =>
            aws.table.items.set("readiness#sample", { pk: { S: "readiness#sample" }, waitsUntil: { S: until } });
        waits("2000-01-01T00:00:00.000Z");
        await run(delivery(findingHere("i-99999999")));
        expect(problems(), "nobody waits any more").to.have.length(1);
        waits("9999-01-01T00:00:00.000Z");
        await run(delivery({ ...findingHere("i-99999999"), id: "f".repeat(32) }));
        expect(problems()).to.have.length(1);
        expect(aws.of("StartExecution")).to.be.empty;
        expect(aws.table.items.get("readiness#sample")!.seenAt!.S).to.match(/^20/);
    });

    it("refuses another Region and an account that is no member", async () => {
        process.env.MEMBER_ACCOUNTS = "333333333333";
        await run(delivery(fixture("eventbridge"), findingHere()));
        expect(problems().map(({ problem }) => problem.cause)).to.satisfy(
            (causes: string[]) => /is in eu-west-1/.test(causes[0]) && /not a member/.test(causes[1]),
        );
        expect(aws.of("StartExecution")).to.be.empty;
    });

    it("takes any account of an organisation but one that is not protected in this Region", async () => {
        process.env.MEMBER_ACCOUNTS = `*,!${here.accountId}`;
        await run(delivery(findingHere()));
        expect(aws.of("StartExecution")).to.be.empty;
        expect(problems()[0].problem.cause).to.match(/not a member of this deployment in /);
        process.env.MEMBER_ACCOUNTS = "*";
        await run(delivery(findingHere()));
        expect(aws.of("StartExecution")).to.have.length(1);
    });

    it("takes nobody's finding in a Region that protects nobody", async () => {
        process.env.MEMBER_ACCOUNTS = "";
        await run(delivery(findingHere()));
        expect(aws.of("StartExecution")).to.be.empty;
        expect(problems()[0].problem.cause).to.match(/not a member/);
    });

    it("never contains an instance of the forensics account, an organisation's member or not", async () => {
        process.env.MEMBER_ACCOUNTS = "*";
        const event = findingHere();
        put(event, "detail.accountId", "111111111111");
        await run(delivery(event));
        expect(aws.of("StartExecution")).to.be.empty;
        expect(problems()[0].problem.cause).to.match(/belongs to the forensics account 111111111111/);
    });

    it("starts what it can of a message and parks it for the rest", async () => {
        const event = findingHere();
        put(event, "detail.resource.instanceDetails.instanceId", [here.instanceId, "i-blart"]);
        await run(delivery(event));
        expect(aws.of("StartExecution")).to.have.length(1);
        const [{ problem }] = problems();
        expect(problem.error).to.equal("MessageFollowedInPart");
        expect(problem.cause)
            .to.match(/"i-blart" is not one/)
            .and.contain(`Followed: ${incidentIdOf(here, victimFindingId)}. Not followed:`);
    });

    it("goes on after a bad record, whatever is wrong with it", async () => {
        const event = delivery("{", findingHere());
        await run({ Records: [{ Sns: null }, null, 7, ...event.Records] });
        expect(aws.of("StartExecution")).to.have.length(1);
        expect(aws.of("SendMessage")).to.have.length(4);
        expect(problems()).to.have.length(4);
    });

    describe("the brake", () => {
        /** As the tool asks for containment by hand, many at once. */
        const many = (count: number, from = 0) =>
            Array.from({ length: count }, (_, index) => ({
                instanceId: `i-${(from + index).toString(16).padStart(17, "0")}`,
                accountId: here.accountId,
                region,
            }));
        const held = () => [...aws.table.items.values()].filter((item) => item.standing?.S === "held");
        const tellings = () =>
            [...aws.objects]
                .filter(([path]) => path.includes("/held/") && path.endsWith(".error.json"))
                .map(([, text]) => heldSchema.parse(JSON.parse(text)));

        it("lets a message that names 3,000 instances contain ten, and the others wait, told in one list, none lost", async function () {
            this.timeout(180_000);
            await run(delivery(many(3000)));
            expect(executions.size).to.equal(10);
            expect(held()).to.have.length(2990);
            const [telling, ...more] = tellings();
            expect(more).to.deep.equal([]);
            expect(telling).to.include({ total: 2990, unnamed: 2890 });
            expect(telling!.instances).to.have.length(100);
            expect(aws.of("SendMessage"), "nothing was refused").to.deep.equal([]);
            // The message is kept once for all that wait, and beside the evidence of those that were started.
            expect([...aws.objects.keys()].filter((path) => path.includes("/messages/"))).to.have.length(11);
        });

        it("tells once in a while, however many messages come, and again when they are ten times as many", async () => {
            process.env.CONTAINMENT_POLICY = '{"brake":{"count":1,"minutes":1440}}';
            for (let index = 0; index < 12; index++) await run(delivery(many(1, index)));
            expect(executions.size).to.equal(1);
            expect(tellings().map(({ total }) => total)).to.deep.equal([1, 10]);
        });

        it("counts a delivery that comes again once, and tells nobody twice", async () => {
            const event = delivery(many(13));
            await run(event);
            await run(event);
            expect([executions.size, held().length, tellings().length]).to.deep.equal([10, 3, 1]);
        });

        it("counts an account of its own by its own limit", async () => {
            process.env.CONTAINMENT_POLICY = JSON.stringify({ brake: { count: 2, accounts: { "333333333333": { count: 1 } } } });
            const others = many(3, 100).map((each) => ({ ...each, accountId: "333333333333" }));
            await run(delivery([...many(3), ...others]));
            expect(executions.size).to.equal(3);
            expect(held()).to.have.length(3);
        });

        it("starts what waits by a later finding when there is room again, with the message it came in", async () => {
            process.env.CONTAINMENT_POLICY = '{"brake":{"count":1,"minutes":10}}';
            await run(delivery(many(1), findingHere()));
            expect(executions.size).to.equal(1);
            const id = incidentIdOf(here, victimFindingId);
            // Ten minutes later.
            const [brake] = [...aws.table.items.values()].filter((item) => (item.pk!.S as string).startsWith("brake#"));
            brake!.taken = { S: "[]" };
            forgetBrake();
            await run(delivery(otherFindingHere()));
            expect([...executions.keys()]).to.include(id);
            expect(held()).to.deep.equal([]);
            expect([...aws.objects.keys()].filter((path) => path.startsWith(`incidents/${id}/messages/`))).to.have.length(2);
        });

        it("holds nobody up whom the rules ask about, or leave alone", async () => {
            process.env.CONTAINMENT_POLICY =
                '{"mode":"approval","rules":[{"findingType":"Manual:*","mode":"observe"}],"brake":{"count":1}}';
            await run(delivery(many(3), findingHere(), findingHere("i-0b2c3d4e5f6071829")));
            expect([executions.size, held().length]).to.deep.equal([5, 0]);
        });

        it("never contains more than its count in its minutes and never loses an instance, whatever comes when", () =>
            fc.assert(
                fc.asyncProperty(
                    fc.array(fc.record({ from: fc.nat(12), size: fc.integer({ min: 1, max: 6 }), breaks: fc.boolean() }), {
                        minLength: 1,
                        maxLength: 6,
                    }),
                    fc.integer({ min: 1, max: 4 }),
                    async (messages, count) => {
                        executions.clear();
                        aws.table.items.clear();
                        aws.objects.clear();
                        forgetBrake();
                        process.env.CONTAINMENT_POLICY = JSON.stringify({ brake: { count } });
                        // Some processes end in the middle; SNS then delivers again. All at the same moment.
                        await Promise.all(
                            messages.map(async ({ from, size, breaks }) => {
                                const event = delivery(many(size, from));
                                if (breaks) aws.refusals.set("StartExecution", "AccessDeniedException");
                                await run(event).catch(() => undefined);
                                aws.refusals.clear();
                                await run(event).catch(() => run(event));
                            }),
                        );
                        const named = new Set(messages.flatMap(({ from, size }) => many(size, from).map(({ instanceId }) => instanceId)));
                        expect(executions.size).to.equal(Math.min(count, named.size));
                        const waiting = held().map((item) => (item.pk!.S as string).replace(/^incident#|-[0-9a-f]{16}$/g, ""));
                        const started = [...executions.keys()].map((id) => id.replace(/-[0-9a-f]{16}$/, ""));
                        expect([...waiting, ...started].sort()).to.deep.equal([...named].sort());
                    },
                ),
                { numRuns: 15 },
            ));
    });

    it("goes on after an AWS failure and throws at the end, so that Lambda tries again", async () => {
        aws.refusals.set("StartExecution", "AccessDeniedException");
        const error = await run(delivery(findingHere(), "nonsense")).then(
            () => null,
            (thrown: Error) => thrown,
        );
        expect(error?.message).to.match(/1 AWS calls of startIncident failed \(AccessDeniedException: .*Lambda delivers the event again/);
        expect(problems()).to.have.length(1);

        aws.refusals.clear();
        await run(delivery(findingHere(), "nonsense"));
        expect(executions.size).to.equal(1);
        expect(problems()).to.have.length(1);
    });

    it("throws when a refused message could not be parked", async () => {
        aws.refusals.set("SendMessage", "AccessDeniedException");
        const error = await run(delivery("nonsense")).then(
            () => null,
            (thrown: Error) => thrown,
        );
        expect(error?.message).to.match(/AccessDeniedException/);
        expect(problems()).to.be.empty;
    });

    it("says so when the event is not SNS's", async () => {
        const error = await run({ detail: {} }).then(
            () => null,
            (thrown: Error) => thrown,
        );
        expect(error).to.include({ name: "StepFailed" });
    });

    it("asks for named resources only, but for answers to waiting workflows, which AWS limits to none", () => {
        const names = {
            stateMachineArn: "arn:aws:states:eu-west-1:111111111111:stateMachine:incident",
            incidentsTableArn: "arn:table",
            watchFunctionArn: "arn:watch",
            deadLetterQueueArn: "arn:queue",
            evidenceBucketArn: "arn:bucket",
            evidenceKeyArn: "arn:key",
        };
        const statements = permissions(names as Parameters<typeof permissions>[0]);
        const everywhere = statements.filter(({ Resource }) => Resource.includes("*")).flatMap(({ Action }) => Action);
        expect(everywhere).to.deep.equal(["states:SendTaskSuccess"]);
        const resources = statements.flatMap(({ Resource }) => Resource).filter((resource) => resource !== "*");
        expect([...new Set(resources)].sort()).to.deep.equal([
            "arn:aws:states:eu-west-1:111111111111:execution:incident:*",
            "arn:aws:states:eu-west-1:111111111111:stateMachine:incident",
            "arn:bucket",
            "arn:bucket/incidents/*/custody/log/*",
            "arn:bucket/incidents/*/errors/StartIncident.error.json",
            "arn:bucket/incidents/*/findings/*.json",
            "arn:bucket/incidents/*/messages/*.json",
            "arn:key",
            "arn:queue",
            "arn:table",
            "arn:watch",
        ]);
    });
});

describe("fitForQueue", () => {
    it("leaves ordinary text alone and never gives an empty one", () => {
        expect(fitForQueue('{"a": "ä\n\t🙂"}')).to.equal('{"a": "ä\n\t🙂"}');
        expect(fitForQueue("")).to.equal("(empty)");
    });

    it("takes out what SQS refuses and cuts at a character within the limit", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.integer({ min: 16, max: 300 }), (text, largest) => {
                const fit = fitForQueue(text, largest);
                expect(Buffer.byteLength(fit)).to.be.at.most(largest);
                expect(fit).to.match(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u);
            }),
            { numRuns: 300 },
        );
        expect(fitForQueue("🙂".repeat(100_000))).to.match(/^(🙂)+$/u);
    });
});
