/**
 * Evidence that proves itself, on the local AWS with IAM enforced: volumes under every kind of key, and somebody in the member account and
 * another incident's host who swap, delete and forge.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
    CreateSnapshotCommand,
    CreateTagsCommand,
    DeleteSnapshotCommand,
    DescribeInstancesCommand,
    DescribeLockedSnapshotsCommand,
    EC2Client,
    RunInstancesCommand,
    UnlockSnapshotCommand,
    waitUntilInstanceRunning,
    type CreateVolumeCommandInput,
} from "@aws-sdk/client-ec2";
import { GetPublicKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { SSMClient } from "@aws-sdk/client-ssm";
import { expect } from "chai";
import { custodySchema, reportSchema, type Custody, type Incident, type Problem } from "../../../functions/domain/containers";
import type { Pin } from "../../../functions/domain/pins";
import { incidentTags } from "../../../functions/domain/tags";
import { custodyKeyAlias } from "../../../infra/names";
import { bringAbout } from "../../../rehearsal/circumstances";
import { CleanUp } from "../../../rehearsal/cleanUp";
import { readEvidence } from "../../../rehearsal/collectFacts";
import { checkCustody } from "../../../rehearsal/custody";
import { localClients, type LocalClients, type Target } from "../../../rehearsal/deploy/localClients";
import { deployProgram } from "../../../rehearsal/deploy/program";
import { setFaults } from "../../../rehearsal/faults";
import { builtInFinding, loadFinding } from "../../../rehearsal/finding";
import { followIncident } from "../../../rehearsal/incident";
import { startLocalEmu, type LocalEmu } from "../../../rehearsal/localEmu";
import { Progress } from "../../../rehearsal/progress";
import { setUp, type Prepared } from "../../../rehearsal/setUp";
import { startSlackServer, type SlackServer } from "../../../rehearsal/slackServer";
import { configuration, deployed, forensics, member } from "../../../rehearsal/stage";
import { stealCredentials, type StolenCredentials } from "../../../rehearsal/stolenCredentials";
import { createVictim, type Victim } from "../../../rehearsal/victim";
import { until } from "../../../rehearsal/watch";
import { attachVolume, makeKey, organizationId, readsVolumes } from "../support/keyedVolumes";
import { operate } from "../support/localEstate";
import { expectLockedEvidence } from "../support/lockedEvidence";

const central: Target = { accountId: "333333333333", region: member.region };

describe("evidence, on the local AWS", function () {
    this.timeout(300_000);
    const cleanUp = new CleanUp();
    let prepared: Prepared;
    let localEmu: LocalEmu;
    let clients: LocalClients;
    let slack: SlackServer;
    let victim: Victim;
    /** Volumes of the victim by what they are encrypted under. */
    const volumes = new Map<string, string>();
    let incident: Incident;
    /** Of the forensic instance of the first incident: what code that its analysis let in would have. */
    let stolen: StolenCredentials & { instanceId: string };

    const ec2 = (target: Target = member) => clients(EC2Client, target);
    const s3 = () => clients(S3Client, forensics);
    const read = async <T>(key: string): Promise<T | null> => {
        const body = await readEvidence(clients, forensics, deployed.evidenceBucket, key);
        return body && (JSON.parse(body.toString("utf8")) as T);
    };
    async function readAll<T>(prefix: string): Promise<T[]> {
        const { Contents = [] } = await s3().send(new ListObjectsV2Command({ Bucket: deployed.evidenceBucket, Prefix: prefix }));
        return Promise.all(Contents.map(async ({ Key }) => (await read<T>(Key!))!));
    }
    const problems = (prefix: string) => readAll<Problem>(`${prefix}errors/`);
    const custodyOf = async (prefix: string): Promise<Custody | null> => {
        const found = await read<unknown>(`${prefix}custody.json`);
        return found === null ? null : custodySchema.parse(found);
    };
    const soon = () => Date.now() + 120_000;
    const nameOf = (call: Promise<unknown>) =>
        call.then(
            () => "done",
            (error: Error) => error.name,
        );
    /** Makes a volume with a file system and attaches it to an instance of the member. */
    const attach = (instanceId: string, device: string, key: Partial<CreateVolumeCommandInput>) =>
        attachVolume(ec2(), { instanceId, region: member.region, device, image: prepared.images.data.path }, key);

    const command = (tool: string, ...args: string[]) => operate(localEmu, `tools/${tool}.ts`, ...args);

    before(async function () {
        this.timeout(600_000);
        prepared = await setUp(null, cleanUp);
        slack = await startSlackServer();
        cleanUp.add("Slack's stand-in", () => slack.stop());
        localEmu = await startLocalEmu({ log: () => undefined });
        cleanUp.add("the local AWS", () => localEmu.stop());
        clients = localClients(localEmu.endpoint);
        for (const target of [forensics, member, central])
            await bringAbout(localEmu.endpoint, { ...target, kind: "organization", organizationId });
        victim = await createVictim(clients, member, prepared.images);
        const { instanceId } = victim.instance;
        for (const [index, [name, key]] of Object.entries({
            "the default key": { Encrypted: true },
            "a customer key": { Encrypted: true, KmsKeyId: await makeKey(clients, member) },
            "a central key": { Encrypted: true, KmsKeyId: await makeKey(clients, central, readsVolumes) },
        }).entries())
            volumes.set(name, await attach(instanceId, `/dev/sd${"ghi"[index]}`, key));
        for (const { role, volumeId } of victim.volumes) volumes.set(`nothing (${role})`, volumeId);
        const config = configuration([victim], slack.url, prepared.pythonVersion);
        const settings = JSON.parse(config.settings!) as { evidence: object };
        settings.evidence = { ...settings.evidence, volumeKeyAccounts: [central.accountId] };
        await deployProgram({
            clients,
            defaults: forensics,
            config: { ...config, settings: JSON.stringify(settings) },
            secretKeys: ["slackWebhookUrl"],
        });
    });
    after(() => cleanUp.run());

    /** Of the instance that analyses an incident, taken while it runs. */
    async function stealFromHost(): Promise<StolenCredentials & { instanceId: string }> {
        const find = async () => {
            const { Reservations = [] } = await ec2(forensics).send(
                new DescribeInstancesCommand({ Filters: [{ Name: "instance-state-name", Values: ["running"] }] }),
            );
            return Reservations.flatMap(({ Instances = [] }) => Instances)[0]?.InstanceId;
        };
        const instanceId = await until("a forensic instance", find, soon());
        return { ...(await stealCredentials(clients(SSMClient, forensics), instanceId)), instanceId };
    }

    it("of volumes under no key, the default key, a customer's and a central account's is one locked snapshot each, under the evidence key", async () => {
        const [followed, credentials] = await Promise.all([
            followIncident({ clients, victim, slack }, await loadFinding(builtInFinding), 240, new Progress({ write: () => true })),
            stealFromHost(),
        ]);
        stolen = credentials;
        incident = followed.incident;
        expect(followed.execution.status, JSON.stringify(await problems(incident.prefix))).to.equal("SUCCEEDED");
        expect(followed.report).to.deep.include({ complete: true, intact: true });

        const { evidence } = (await custodyOf(incident.prefix))!;
        expect(evidence.missing).to.deep.equal([]);
        expect(evidence.anomalies).to.deep.equal([]);
        expect(evidence.snapshots.map(({ volumeId }) => volumeId)).to.have.members([...volumes.values()]);
        await expectLockedEvidence(clients, { forensics, member }, incident.incidentId, evidence);
        // Pins of the intermediate copies say which volumes needed one.
        const pins = await readAll<Pin>(`${incident.prefix}preservation/`);
        expect(pins.filter(({ stage }) => stage === "shared-copy").map(({ volumeId }) => volumeId)).to.have.members(
            ["the default key", "a customer key", "a central key"].map((key) => volumes.get(key)),
        );
    });

    it("the case is closed, is intact in the bucket and as a copy by the public key alone, and every tampering is found", async () => {
        const closed = await command("close", incident.incidentId, "--why", "a rehearsal");
        expect(closed.code, `${closed.out}${closed.err}`).to.equal(0);
        const inBucket = await command("verify", `s3://${deployed.evidenceBucket}/${incident.prefix}`);
        expect(inBucket.code, `${inBucket.out}${inBucket.err}`).to.equal(0);
        expect(inBucket.out).to.match(/intact/i);

        const folder = await mkdtemp(path.join(tmpdir(), "case-"));
        cleanUp.add("the case", () => rm(folder, { recursive: true, force: true }));
        const fetched = await command("fetch", incident.incidentId, path.join(folder, "case"));
        expect(fetched.code, `${fetched.out}${fetched.err}`).to.equal(0);
        const { PublicKey } = await clients(KMSClient, forensics).send(new GetPublicKeyCommand({ KeyId: custodyKeyAlias }));
        const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(PublicKey!).toString("base64")}\n-----END PUBLIC KEY-----\n`;
        await writeFile(path.join(folder, "key.pem"), pem);
        const offline = await command("verify", path.join(folder, "case"), "--key", path.join(folder, "key.pem"));
        expect(offline.code, `${offline.out}${offline.err}`).to.equal(0);

        const facts = await checkCustody(clients, forensics, deployed.evidenceBucket, incident.incidentId);
        expect(facts.wrong).to.equal(null);
        expect(facts.tamperings).to.have.length.greaterThan(10);
        expect(facts.tamperings.filter(({ found }) => found === null)).to.deep.equal([]);
    });

    it("what somebody swaps in, deletes or forges is refused or not used, and told", async () => {
        const { Instances } = await ec2().send(
            new RunInstancesCommand({
                ImageId: victim.imageId,
                InstanceType: "t3.medium",
                MinCount: 1,
                MaxCount: 1,
                SubnetId: victim.interfaces[0]!.subnetId,
                BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: 1 } }],
            }),
        );
        const instanceId = Instances![0]!.InstanceId!;
        const running = { client: ec2(), minDelay: 0.2, maxDelay: 1, maxWaitTime: 60 };
        await waitUntilInstanceRunning(running, { InstanceIds: [instanceId] });
        const [first] = (await ec2().send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }))).Reservations![0]!.Instances!;
        const root = first!.BlockDeviceMappings![0]!.Ebs!.VolumeId!;
        await ec2().send(
            new CreateTagsCommand({ Resources: [root], Tags: [{ Key: "rehearsal:image", Value: prepared.images.data.path }] }),
        );
        const closed = await attach(instanceId, "/dev/sdg", { Encrypted: true, KmsKeyId: await makeKey(clients, central) });
        const backup = (await ec2().send(new CreateSnapshotCommand({ VolumeId: root, Description: "last night" }))).SnapshotId!;

        // While no copy can be made, the intruder has time.
        await setFaults(localEmu.endpoint, { faults: ["ec2:CopySnapshot#*=throttle"] });
        await clients(SNSClient, forensics).send(
            new PublishCommand({
                TopicArn: deployed.findingsTopicArn,
                Message: JSON.stringify({ ...member, instanceId, reason: "swaps and forgeries" }),
            }),
        );
        const name = await until(
            "the second incident",
            async () => {
                const { executions = [] } = await clients(SFNClient, forensics).send(
                    new ListExecutionsCommand({ stateMachineArn: deployed.stateMachineArn }),
                );
                return executions.find((each) => each.name!.startsWith(instanceId))?.name;
            },
            soon(),
        );
        const prefix = `incidents/${name}/`;
        const source = await until("the source", () => read<Pin>(`${prefix}preservation/${root}/source.1.json`), soon());
        const isLocked = async () =>
            (await ec2().send(new DescribeLockedSnapshotsCommand({ SnapshotIds: [source.snapshotId] }))).Snapshots?.[0];
        await until("the source to be locked", isLocked, soon());
        await ec2().send(new CreateTagsCommand({ Resources: [backup], Tags: incidentTags(name, "source") as { Key: string }[] }));
        const deletion = () => ec2().send(new DeleteSnapshotCommand({ SnapshotId: source.snapshotId }));
        expect(await nameOf(deletion()), "who may only delete").to.equal("OperationNotPermitted");
        await ec2().send(new UnlockSnapshotCommand({ SnapshotId: source.snapshotId }));
        expect(await nameOf(deletion()), "an administrator").to.equal("done");

        // The other incident's host writes results before there are any.
        const host = new S3Client({ endpoint: localEmu.endpoint, region: forensics.region, credentials: stolen, forcePathStyle: true });
        const ownPrefix = (await custodyOf(incident.prefix))!.resultsPrefix;
        const put = (results: string, once = true) =>
            nameOf(
                host.send(
                    new PutObjectCommand({
                        Bucket: deployed.evidenceBucket,
                        Key: `${prefix}${results}manifest.sha256`,
                        Body: "nothing was found\n",
                        ...(once ? { IfNoneMatch: "*" } : {}),
                    }),
                ),
            );
        expect(await put(ownPrefix, false), "where anything could be put over it").to.equal("AccessDenied");
        expect(await put(ownPrefix)).to.equal("done");
        const told = (error: string) => until(error, async () => (await problems(prefix)).find((each) => each.error === error), soon());
        expect((await told("ForeignResults")).cause).to.include(stolen.instanceId);

        await setFaults(localEmu.endpoint, { faults: [] });
        await bringAbout(localEmu.endpoint, { ...forensics, kind: "later", seconds: 360 });
        const custody = await until("the analysis to be sent", () => custodyOf(prefix), soon());
        expect(await put(custody.resultsPrefix), "in the place of the incident's own host").to.equal("AccessDenied");
        const arn = `${deployed.stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
        await until(
            "the second incident's end",
            async () => {
                const { status } = await clients(SFNClient, forensics).send(new DescribeExecutionCommand({ executionArn: arn }));
                return status === "RUNNING" ? null : status;
            },
            soon(),
        );
        await bringAbout(localEmu.endpoint, { ...forensics, kind: "later", seconds: 0 });

        const { evidence } = custody;
        const again = (await read<Pin>(`${prefix}preservation/${root}/source.2.json`))!;
        expect(evidence.snapshots.map(({ volumeId, sourceSnapshotId }) => [volumeId, sourceSnapshotId])).to.deep.equal([
            [root, again.snapshotId],
        ]);
        expect(again.snapshotId).to.not.equal(backup);
        expect(
            evidence.missing.map(({ volumeId }) => volumeId),
            "whose key stays closed",
        ).to.deep.equal([closed]);
        const report = reportSchema.parse(await read(`${prefix}report/report.json`));
        expect(report).to.deep.include({ complete: false, intact: true });
        const page = (await readEvidence(clients, forensics, deployed.evidenceBucket, `${prefix}report/report.html`))!.toString("utf8");
        const causes = (await problems(prefix)).map(({ cause }) => cause).join("\n");
        for (const text of [page, causes, JSON.stringify(slack.messages)]) {
            expect(text).to.include(closed);
            expect(text).to.include(`Snapshot ${backup} carries this incident`);
            expect(text).to.include(`The source snapshot ${source.snapshotId} of ${root}`);
        }

        // Somebody with rights in the forensics account takes the results away and puts others there.
        const manifest = { Bucket: deployed.evidenceBucket, Key: `${prefix}${custody.resultsPrefix}manifest.sha256` };
        await s3().send(new DeleteObjectCommand(manifest));
        await s3().send(new PutObjectCommand({ ...manifest, Body: "nothing was found\n", IfNoneMatch: "*" }));
        expect((await told("ResultsChanged")).cause).to.include(report.manifestSha256);
        expect(reportSchema.parse(await read(`${prefix}report/report.json`)).manifestSha256).to.equal(report.manifestSha256);
        const verified = await command("verify", `s3://${deployed.evidenceBucket}/${prefix}`);
        expect(verified.code, `${verified.out}${verified.err}`).to.equal(1);
        expect(`${verified.out}${verified.err}`).to.include("manifest.sha256");
    });
});
