/**
 * Thirty volumes under every kind of key, one of them with a Marketplace code and one whose key was disabled, in one Region, and the same kinds
 * of key in another at the same moment: on the local AWS with IAM enforced, which lets no forensic instance take them all.
 */
import { EC2Client } from "@aws-sdk/client-ec2";
import { DisableKeyCommand, EnableKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { S3Client, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { expect } from "chai";
import { custodySchema, reportSchema, type Custody, type Problem } from "../../../functions/domain/containers";
import { reportNames } from "../../../functions/domain/evidenceKeys";
import { planRounds } from "../../../functions/domain/planRounds";
import { readCallLog } from "../../../rehearsal/callLog";
import { bringAbout } from "../../../rehearsal/circumstances";
import { CleanUp } from "../../../rehearsal/cleanUp";
import { readEvidence } from "../../../rehearsal/collectFacts";
import { localClients, type LocalClients, type Target } from "../../../rehearsal/deploy/localClients";
import { deployProgram } from "../../../rehearsal/deploy/program";
import { builtInFinding, loadFinding } from "../../../rehearsal/finding";
import { followIncident, type FollowedIncident } from "../../../rehearsal/incident";
import { startLocalEmu, type LocalEmu } from "../../../rehearsal/localEmu";
import { Progress } from "../../../rehearsal/progress";
import { setUp } from "../../../rehearsal/setUp";
import { startSlackServer, titleOf, type SlackServer } from "../../../rehearsal/slackServer";
import { configuration, deployedIn, forensicsIn, member } from "../../../rehearsal/stage";
import { createVictim, type Victim } from "../../../rehearsal/victim";
import { until } from "../../../rehearsal/watch";
import { attachVolume, makeKey, organizationId, readsVolumes } from "../support/keyedVolumes";
import { operate } from "../support/localEstate";
import { expectLockedEvidence } from "../support/lockedEvidence";

const elsewhere: Target = { ...member, region: "eu-central-1" };
const central = ({ region }: Target): Target => ({ accountId: "333333333333", region });
/** Of the victim with many: with its root and data disk it has thirty. */
const further = 28;
const device = (index: number) => (index < 20 ? `/dev/sd${"ghijklmnopqrstuvwxyz"[index]}` : `/dev/sdb${"abcdefgh"[index - 20]}`);

describe("thirty volumes in one Region and five in another, on the local AWS", function () {
    this.timeout(600_000);
    const cleanUp = new CleanUp();
    let localEmu: LocalEmu;
    let clients: LocalClients;
    let slack: SlackServer;
    let many: Victim;
    let few: Victim;
    /** Of the victim with many. */
    let coded: string;
    let closed: string;
    let closedKey: string;
    /** Every volume of a victim, by its id, with what it is encrypted under. */
    const volumes = new Map<Victim, Map<string, string>>();
    let followed: Map<Victim, FollowedIncident>;
    let custody: Map<Victim, Custody>;

    const bucket = ({ region }: Target) => deployedIn(region).evidenceBucket;
    const read = async (place: Target, key: string) =>
        (await readEvidence(clients, forensicsIn(place.region), bucket(place), key))!.toString("utf8");
    async function problems(place: Target, prefix: string): Promise<Problem[]> {
        const listed = { Bucket: bucket(place), Prefix: `${prefix}errors/` };
        const { Contents = [] } = await clients(S3Client, forensicsIn(place.region)).send(new ListObjectsV2Command(listed));
        return Promise.all(Contents.map(async ({ Key }) => JSON.parse(await read(place, Key!)) as Problem));
    }

    before(async () => {
        const prepared = await setUp(null, cleanUp);
        slack = await startSlackServer();
        cleanUp.add("Slack's stand-in", () => slack.stop());
        localEmu = await startLocalEmu({ log: () => undefined });
        cleanUp.add("the local AWS", () => localEmu.stop());
        clients = localClients(localEmu.endpoint);
        for (const accountId of [forensicsIn(member.region).accountId, member.accountId, central(member).accountId])
            await bringAbout(localEmu.endpoint, { accountId, region: member.region, kind: "organization", organizationId });
        for (const place of [member, elsewhere]) {
            const victim = await createVictim(clients, place, prepared.images);
            const { instanceId } = victim.instance;
            const keys = {
                "no key": {},
                "the default key": { Encrypted: true },
                "a customer key": { Encrypted: true, KmsKeyId: await makeKey(clients, place) },
                "a central key": { Encrypted: true, KmsKeyId: await makeKey(clients, central(place), readsVolumes) },
            };
            const kinds = Object.entries(keys);
            const of = new Map(victim.volumes.map(({ volumeId }) => [volumeId, "no key"]));
            const attach = async (index: number, [kind, key]: [string, object]): Promise<string> => {
                const where = { instanceId, region: place.region, device: device(index), image: prepared.images.data.path };
                const volumeId = await attachVolume(clients(EC2Client, place), where, key);
                of.set(volumeId, kind);
                return volumeId;
            };
            volumes.set(victim, of);
            if (place === elsewhere) {
                few = victim;
                for (const [index, kind] of kinds.slice(1).entries()) await attach(index, kind);
                continue;
            }
            many = victim;
            for (let index = 0; index < further - 2; index++) await attach(index, kinds[index % kinds.length]!);
            coded = await attach(further - 2, kinds[2]!);
            await bringAbout(localEmu.endpoint, { ...place, kind: "marketplaceCode", volumeId: coded, code: "aw0evgkw8e5c1q413zgy5pjce" });
            closedKey = await makeKey(clients, place);
            closed = await attach(further - 1, ["a disabled key", { Encrypted: true, KmsKeyId: closedKey }]);
            await clients(KMSClient, place).send(new DisableKeyCommand({ KeyId: closedKey }));
        }
        const config = configuration([many, few], slack.url, prepared.pythonVersion);
        const settings = JSON.parse(config.settings!) as { evidence: object };
        settings.evidence = { ...settings.evidence, volumeKeyAccounts: [central(member).accountId] };
        await deployProgram({
            clients,
            defaults: forensicsIn(member.region),
            config: { ...config, settings: JSON.stringify(settings) },
            secretKeys: ["slackWebhookUrl"],
        });
        const finding = await loadFinding(builtInFinding);
        const follow = async (victim: Victim) =>
            [victim, await followIncident({ clients, victim, slack }, finding, 480, new Progress({ write: () => true }))] as const;
        followed = new Map(await Promise.all([follow(many), follow(few)]));
        custody = new Map();
        for (const [victim, { incident }] of followed)
            custody.set(victim, custodySchema.parse(JSON.parse(await read(victim.instance, `${incident.prefix}custody.json`))));
    });
    after(() => cleanUp.run());

    it("both incidents come to their end", async () => {
        for (const [victim, { execution, incident }] of followed)
            expect(execution.status, JSON.stringify(await problems(victim.instance, incident.prefix))).to.equal("SUCCEEDED");
        expect(volumes.get(many)!.size).to.equal(30);
        expect(volumes.get(few)!.size).to.equal(5);
    });

    it("each volume has one locked snapshot in its Region, but for the one whose key is disabled: its source stays, and it is named with the reason", async () => {
        for (const [victim, { incident }] of followed) {
            const missing = victim === many ? [closed] : [];
            const { evidence } = custody.get(victim)!;
            expect(evidence.missing.map(({ volumeId }) => volumeId)).to.deep.equal(missing);
            const expected = [...volumes.get(victim)!.keys()].filter((volumeId) => !missing.includes(volumeId));
            expect(evidence.snapshots.map(({ volumeId }) => volumeId)).to.have.members(expected);
            const places = { forensics: forensicsIn(victim.instance.region), member: victim.instance };
            await expectLockedEvidence(clients, places, incident.incidentId, evidence, missing);
        }
        const told = JSON.stringify(slack.messages);
        const { incident } = followed.get(many)!;
        const page = await read(many.instance, `${incident.prefix}report/report.html`);
        for (const text of [told, page]) expect(text).to.include(closed);
    });

    it("the volumes are read in two rounds of forensic instances, the coded one with them, and one report joins them", async () => {
        const { incident, report } = followed.get(many)!;
        const { evidence, host, furtherRounds = [] } = custody.get(many)!;
        const rounds = planRounds(evidence.snapshots);
        expect(rounds.map(({ length }) => length)).to.deep.equal([14, 15]);
        const analysed = [host, ...furtherRounds.map((each) => each.host)];
        expect(analysed.map((each) => each.volumes.filter(({ purpose }) => purpose === "evidence").length)).to.deep.equal([14, 15]);
        expect(analysed.flatMap((each) => each.missing)).to.deep.equal([]);
        expect(report).to.deep.include({ complete: false, intact: true });
        const page = await read(many.instance, `${incident.prefix}report/report.html`);
        for (const { volumeId } of evidence.snapshots) expect(page, "each volume in the report").to.include(volumeId);
        expect(page).to.include(coded);
        // The forensic instance that took the coded volume was stopped for it.
        const calls = (await readCallLog(localEmu.callLogFile)).filter(({ operation }) => operation === "StopInstances");
        expect(calls).to.have.length.greaterThan(0);
        expect(followed.get(few)!.report).to.deep.include({ complete: true, intact: true });
    });

    it("once the key is open, the volume is preserved and analysed alone, and a newer edition of the report joins it", async () => {
        const { incident } = followed.get(many)!;
        await clients(KMSClient, many.instance).send(new EnableKeyCommand({ KeyId: closedKey }));
        // A copy that failed twice is left alone for a quarter of an hour.
        await bringAbout(localEmu.endpoint, { ...many.instance, kind: "later", seconds: 16 * 60 });
        const resumed = await operate(localEmu, "tools/resume.ts", incident.incidentId, "--late");
        expect(resumed.code, `${resumed.out}${resumed.err}`).to.equal(0);
        const key = `${incident.prefix}${reportNames(2).record}`;
        const newer = async () => readEvidence(clients, forensicsIn(many.instance.region), bucket(many.instance), key);
        const report = reportSchema.parse(JSON.parse((await until("the second edition", newer, Date.now() + 240_000)).toString("utf8")));
        await bringAbout(localEmu.endpoint, { ...many.instance, kind: "later", seconds: 0 });
        const ticket = await read(many.instance, `${incident.prefix}${reportNames(2).markdown}`);
        // A host has room for thirteen volumes with a work volume each; of those beyond, the journal is not replayed, and the report says so.
        expect(report, ticket).to.deep.include({ complete: false, intact: true });
        expect(ticket.match(/^- Not done: .*$/gm)).to.have.length(1);
        expect(ticket).to.match(/^- Not done: The journal of 6 file systems was not replayed/m);
        const later = custodySchema.parse(JSON.parse(await read(many.instance, `${incident.prefix}custody.json`)));
        expect(later.evidence.missing).to.deep.equal([]);
        const hosts = [later.host, ...(later.furtherRounds ?? []).map((each) => each.host)];
        expect(
            hosts.map(({ volumes: attached }) =>
                attached.filter(({ purpose }) => purpose === "evidence").map((each) => each.sourceVolumeId),
            ),
        ).to.have.deep.nested.property("[2]", [closed]);
        const places = { forensics: forensicsIn(many.instance.region), member: many.instance };
        await expectLockedEvidence(clients, places, incident.incidentId, later.evidence);
        expect(slack.messages.map(({ payload }) => titleOf(payload)).filter((title) => title.includes("edition 2"))).to.have.length(1);
        // A resumed execution reports after its tear-down; the seal is what it ends with.
        const ended = async () => {
            const { executions = [] } = await clients(SFNClient, forensicsIn(many.instance.region)).send(
                new ListExecutionsCommand({ stateMachineArn: deployedIn(many.instance.region).stateMachineArn, statusFilter: "RUNNING" }),
            );
            return executions.length === 0 || null;
        };
        await until("the resumed execution to end", ended, Date.now() + 120_000);
        const verified = await operate(localEmu, "tools/verify.ts", `s3://${bucket(many.instance)}/${incident.prefix}`);
        expect(verified.code, `${verified.out}${verified.err}`).to.equal(0);
    });
});
