/**
 * Seals a case: enters in the custody log what it finds without an entry, makes the manifest of every object, signs it under the custody key, and
 * writes seal, public key and the text that says how to check them. Asked again when nothing came since, it changes nothing; what came after a
 * seal is covered by the next one, and people are told.
 */
import { DescribeSnapshotsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { S3Client } from "@aws-sdk/client-s3";
import { GetPublicKeyCommand, KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { createPublicKey } from "node:crypto";
import { z } from "zod";
import { forensicsClient, ownArn } from "./aws/clients";
import { describeVersions, listVersions as listVersionsIn, type ListedVersion } from "./aws/custody/caseObjects";
import { appendCustody, appendCustodyPermissions, readCustodyLog } from "./aws/custody/custodyLog";
import { tellWaitingPermissions } from "./aws/problems";
import { takeRecorded } from "./aws/custody/recorder";
import { environment, needs } from "./aws/environment";
import { NotYetError, StepError, TransientError } from "./aws/errors";
import { getJson, getObject, putObject } from "./aws/evidenceBucket";
import { log, step } from "./aws/handler";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { readPins } from "./aws/snapshotPins";
import { locksOf } from "./aws/snapshots";
import { analysisSummarySchema } from "./domain/analysisOutputs";
import { custodySchema, incidentSchema } from "./domain/containers";
import { custodyText } from "./domain/custody/custodyText";
import type { CustodyAction, ReadChain } from "./domain/custody/custodyLog";
import { sha256Of } from "./domain/custody/custodyLog";
import { foundAction, sealable, sealedSnapshots, sinceLastSeal, unrecorded, type PinnedSnapshot } from "./domain/custody/planSeal";
import {
    caseManifestSchema,
    digestToSign,
    fingerprintOf,
    parseSeal,
    sealText,
    signatureAlgorithm,
    signatureHolds,
    type CaseManifest,
} from "./domain/custody/seal";
import {
    custodyKey,
    custodyReadme,
    custodySeal,
    custodySegment,
    editionOf,
    errorRecord,
    incidentPrefix,
    objectNames,
    objectPrefixes,
    resultNames,
} from "./domain/evidenceKeys";
import { analysesOf } from "./domain/planRounds";
import { lateArrivalsMessage } from "./domain/messages/lateArrivals";
import type { ReportedStep } from "./domain/steps";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET", "CUSTODY_KEY_ARN", ...tellVariables);

/** Read a case whole, sign its manifest, and write below its custody prefix. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("SealCustody")(names),
    ...readEvidence("*")(names),
    ...writeEvidence(`${objectPrefixes.custody}*`)(names),
    {
        Sid: "ReadEveryVersion",
        Effect: "Allow",
        Action: ["s3:GetObjectVersion", "s3:GetObjectRetention"],
        Resource: [`${names.evidenceBucketArn}/${incidentPrefix("*")}*`],
    },
    { Sid: "ListEveryVersion", Effect: "Allow", Action: ["s3:ListBucketVersions"], Resource: [names.evidenceBucketArn] },
    { Sid: "SignManifests", Effect: "Allow", Action: ["kms:Sign", "kms:GetPublicKey"], Resource: [names.custodyKeyArn] },
    { Sid: "ReadSnapshots", Effect: "Allow", Action: ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"], Resource: ["*"] },
    ...tellPermissions(names),
];

/** Milliseconds that a report which is being made is waited for. */
const patience = 15 * 60_000;
/** Milliseconds in which the writer of an object enters it in the log: steps do so when they end. */
const entryDelay = 60_000;
/** Times the case is read anew because something came while it was read, or because another seal took the number. */
const mostPasses = 5;

const inputSchema = z.object({
    incidentId: incidentSchema.shape.incidentId,
    /** Since when the report is waited for; null: not at all. */
    since: z.iso.datetime({ offset: true }).nullable().default(null),
    /** Whose wish it is; null: the workflow's. */
    by: z.string().max(512).nullable().default(null),
});

const outputSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    seal: z.number().int().positive(),
    /** Whether this call sealed anything. */
    sealed: z.boolean(),
    objects: z.number().int(),
    entries: z.number().int(),
    fingerprint: z.string(),
});
type Output = z.infer<typeof outputSchema>;

interface Key {
    arn: string;
    fingerprint: string;
    pem: string;
}

async function publicKey(): Promise<Key> {
    const { PublicKey } = await forensicsClient(KMSClient).send(new GetPublicKeyCommand({ KeyId: environment("CUSTODY_KEY_ARN") }));
    const der = Buffer.from(PublicKey!);
    const pem = createPublicKey({ key: der, format: "der", type: "spki" }).export({ type: "spki", format: "pem" }).toString();
    return { arn: environment("CUSTODY_KEY_ARN"), fingerprint: fingerprintOf(der), pem };
}

const listVersions = (incidentId: string) => listVersionsIn(forensicsClient(S3Client), environment("EVIDENCE_BUCKET"), incidentId);

/** Functions that run beside the workflow, when an object comes; what they write they enter in the log when they end. */
const besideWorkflow: readonly ReportedStep[] = ["SendReport", "SendFirstLook"];

/** Whether Step Functions itself wrote it: it has no log, so nobody will enter the error of a step. */
const isOfWorkflow = (name: string): boolean =>
    name.startsWith(objectPrefixes.errors) && !besideWorkflow.some((step) => name.startsWith(`${objectPrefixes.errors}${step}.`));

/** @throws NotYet while the report of a finished analysis is being made, or its writer is about to enter it in the log */
function waitForOthers(versions: readonly ListedVersion[], strangers: Set<string>, since: string | null): void {
    if (since === null || Date.now() - Date.parse(since) > patience) return;
    const names = new Set(versions.filter(({ latest }) => latest).map(({ name }) => name));
    const analysed = [...names].some((name) => name.startsWith(objectPrefixes.analysis) && name.endsWith(`/${resultNames.manifest}`));
    const reported = [...names].some((name) => editionOf(name) !== null);
    if (analysed && !reported && !names.has(errorRecord("SendReport")))
        throw new NotYetError("The analysis has ended and its report is not there yet.");
    const fresh = versions.find(
        ({ name, versionId, writtenAt }) =>
            strangers.has(`${name}\0${versionId ?? ""}`) &&
            !name.startsWith(objectPrefixes.analysis) &&
            !isOfWorkflow(name) &&
            Date.now() - Date.parse(writtenAt) < entryDelay,
    );
    if (fresh) throw new NotYetError(`${fresh.name} was written a moment ago, and its writer has not entered it in the custody log yet.`);
}

/** The last seal, held against the key. @throws StepFailed when it does not hold: nothing is signed on top of what was forged */
async function lastSeal(
    prefix: string,
    versions: readonly ListedVersion[],
    key: Key,
): Promise<{ manifest: CaseManifest; sha256: string } | null> {
    const seals = versions.filter(({ name }) => name.startsWith(objectPrefixes.custodySeals));
    const last = seals
        .map(({ name }) => name)
        .sort()
        .at(-1);
    if (last === undefined) return null;
    const { ref, body } = await getObject(`${prefix}${last}`);
    const refuse = (why: string) =>
        new StepError(
            `The last seal of the case does not hold: ${why}`,
            `${prefix}${last}`,
            "Look in CloudTrail who wrote it, and run npm run verify on the case.",
        );
    let seal;
    try {
        seal = parseSeal(body.toString("utf8"));
    } catch (error) {
        throw refuse((error as Error).message);
    }
    if (last !== custodySeal(seal.manifest.seal)) throw refuse(`it says that it is number ${seal.manifest.seal}`);
    if (seal.manifest.prefix !== prefix) throw refuse("it is of another case");
    if (seal.fingerprint === key.fingerprint && !signatureHolds(seal, key.pem)) throw refuse("the signature is not the custody key's");
    return { manifest: seal.manifest, sha256: ref.sha256 };
}

/** Evidence snapshots as they were pinned, with how they stand in EC2 and what the analysis read of them. */
async function pinnedSnapshots(incidentId: string, versions: readonly ListedVersion[]): Promise<PinnedSnapshot[]> {
    const prefix = incidentPrefix(incidentId);
    const pins = await readPins({ prefix });
    const evidence = pins.filter(({ stage }) => stage === "evidence");
    if (evidence.length === 0) return [];
    const ec2 = forensicsClient(EC2Client);
    const ids = evidence.map(({ snapshotId }) => snapshotId);
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ Filters: [{ Name: "snapshot-id", Values: ids }] }));
    const locks = await locksOf(
        ec2,
        Snapshots.map(({ SnapshotId }) => SnapshotId!),
    );
    const hashes = await volumeHashes(prefix, versions);
    return evidence.map(({ volumeId, snapshotId, generation }) => {
        const found = Snapshots.find(({ SnapshotId }) => SnapshotId === snapshotId);
        const sources = pins
            .filter((pin) => pin.volumeId === volumeId && pin.stage === "source")
            .sort((left, right) => right.generation - left.generation);
        return {
            snapshotId,
            volumeId,
            sourceSnapshotId: sources[0]?.snapshotId ?? "",
            sizeGiB: found?.VolumeSize ?? 1,
            state: found?.State ?? "missing",
            lock: locks.get(snapshotId) ?? null,
            sha256: hashes.get(snapshotId) ?? null,
            generation,
        };
    });
}

/**
 * SHA-256 of whole volumes, by the snapshot they were made of. What the summary does not say stays unknown. Where several analyses read a volume, the one
 * counts that the custody record names: a host whose place another took may have said anything.
 */
async function volumeHashes(prefix: string, versions: readonly ListedVersion[]): Promise<Map<string, string>> {
    const custody = await getJson(`${prefix}${objectNames.custody}`, custodySchema).catch(() => null);
    const counting = new Set(
        (custody ? analysesOf(custody.value) : []).map(({ resultsPrefix }) => `${resultsPrefix}${resultNames.summary}`),
    );
    const summaries = versions
        .filter(({ name, latest }) => latest && name.startsWith(objectPrefixes.analysis) && name.endsWith(`/${resultNames.summary}`))
        .map(({ name }) => name)
        .sort((left, right) => Number(counting.has(left)) - Number(counting.has(right)));
    const hashes = new Map<string, string>();
    for (const name of summaries) {
        const summary = await getJson(`${prefix}${name}`, analysisSummarySchema).catch(() => null);
        for (const { snapshotId, evidenceSha256Before } of summary?.value.volumes ?? [])
            if (snapshotId !== null && evidenceSha256Before !== null && /^[0-9a-f]{64}$/.test(evidenceSha256Before))
                hashes.set(snapshotId, evidenceSha256Before);
    }
    return hashes;
}

/** @throws StepFailed where the chain is broken: what was tampered with is never signed */
function mustHold(chain: ReadChain, prefix: string): ReadChain {
    if (chain.problem === null) return chain;
    throw new StepError(
        `The custody log is broken: ${chain.problem.what}`,
        `${prefix}${chain.problem.segment}`,
        "Look in CloudTrail who wrote below custody/. The case is not sealed until the object's first version is the newest again.",
    );
}

async function sign(payload: Buffer): Promise<Buffer> {
    const { Signature } = await forensicsClient(KMSClient).send(
        new SignCommand({
            KeyId: environment("CUSTODY_KEY_ARN"),
            Message: digestToSign(payload),
            MessageType: "DIGEST",
            SigningAlgorithm: signatureAlgorithm,
        }),
    );
    return Buffer.from(Signature!);
}

const sealAction = (incidentId: string, seal: number, by: string): CustodyAction => ({
    incidentId,
    at: new Date().toISOString(),
    who: by,
    step: "SealCustody",
    what: "custody:Seal",
    requestId: null,
    object: null,
    resources: [environment("CUSTODY_KEY_ARN")],
    error: null,
    note: `Seal ${seal} covers the log to this entry.`,
});

/** Tells people what came after a seal. Never fails the seal, which stands. */
async function tellOfLate(manifest: CaseManifest, late: string[]): Promise<void> {
    try {
        await tell(lateArrivalsMessage(manifest, late));
    } catch (error) {
        log("could not tell people of late arrivals", { incidentId: manifest.incidentId, error: String(error) });
    }
}

/** One attempt. @returns null when something came meanwhile, or another seal took the number */
async function seal({ incidentId, since, by }: z.output<typeof inputSchema>, key: Key): Promise<Output | null> {
    const prefix = incidentPrefix(incidentId);
    // What this call itself wrote so far must be in the log that it seals.
    const own = await takeRecorded();
    if (own.length > 0) await appendCustody(incidentId, own);
    const chain = mustHold(await readCustodyLog(incidentId), prefix);
    const { versions, deleteMarkers } = await listVersions(incidentId);
    const last = await lastSeal(prefix, versions, key);
    const known = new Map(last?.manifest.objects.map((each) => [`${each.name}\0${each.versionId}`, each.sha256]));

    const strangers = unrecorded(versions, chain.entries, prefix);
    waitForOthers(versions, strangers, since);
    const news = sinceLastSeal(last?.manifest ?? null, versions, chain);
    if (last !== null && strangers.size === 0 && news.objects.length === 0 && news.entries === 0)
        return {
            schemaVersion: 1,
            incidentId,
            seal: last.manifest.seal,
            sealed: false,
            objects: last.manifest.objects.length,
            entries: last.manifest.log.entries,
            fingerprint: last.manifest.key.fingerprint,
        };

    const number = (last?.manifest.seal ?? 0) + 1;
    const who = by ?? (await ownArn());
    const found = await describeVersions(
        incidentId,
        versions.filter(({ name, versionId }) => strangers.has(`${name}\0${versionId ?? ""}`)),
        known,
    );
    const now = new Date().toISOString();
    await appendCustody(incidentId, [
        ...found.map((object) => foundAction(object, incidentId, prefix, now)),
        sealAction(incidentId, number, who),
    ]);

    // The log first and then the objects: what an entry tells of is there.
    const after = mustHold(await readCustodyLog(incidentId), prefix);
    const listed = await listVersions(incidentId);
    if (unrecorded(listed.versions, after.entries, prefix).size > 0) return null;
    const { snapshots, notes } = sealedSnapshots(await pinnedSnapshots(incidentId, listed.versions), last?.manifest ?? null);
    const manifest = caseManifestSchema.parse({
        schemaVersion: 1,
        kind: "case-manifest",
        incidentId,
        seal: number,
        sealedAt: new Date().toISOString(),
        sealedBy: who,
        previousSeal: last?.sha256 ?? null,
        bucket: environment("EVIDENCE_BUCKET"),
        prefix,
        key: { arn: key.arn, algorithm: signatureAlgorithm, fingerprint: key.fingerprint },
        log: after.head,
        objects: sealable(await describeVersions(incidentId, listed.versions, known), after.head.segments, custodySegment),
        snapshots,
        notes: [...notes, ...deleteMarkers.map((name) => `${name} is hidden by a delete marker; its versions are sealed.`)],
    } satisfies CaseManifest);
    const payload = Buffer.from(JSON.stringify(manifest), "utf8");
    const text = sealText(payload, key.fingerprint, await sign(payload));
    const { written } = await putObject(`${prefix}${custodySeal(number)}`, text, { contentType: "application/json", onlyIfAbsent: true });
    if (!written) return null;
    log("case sealed", {
        incidentId,
        seal: number,
        sha256: sha256Of(text),
        objects: manifest.objects.length,
        entries: manifest.log.entries,
    });
    if (last !== null) await tellOfLate(manifest, news.objects);
    return {
        schemaVersion: 1,
        incidentId,
        seal: number,
        sealed: true,
        objects: manifest.objects.length,
        entries: manifest.log.entries,
        fingerprint: key.fingerprint,
    };
}

/** @throws NotYet while the report is being made; StepFailed where log or last seal do not hold */
export const handler = step({
    name: "SealCustody",
    waits: "SealCustody",
    input: inputSchema,
    output: outputSchema,
    run: async (input) => {
        const prefix = incidentPrefix(input.incidentId);
        const key = await publicKey();
        await putObject(`${prefix}${custodyKey(key.fingerprint)}`, key.pem, { contentType: "application/x-pem-file", onlyIfAbsent: true });
        await putObject(`${prefix}${custodyReadme}`, custodyText, { contentType: "text/plain; charset=utf-8", onlyIfAbsent: true });
        for (let pass = 0; pass < mostPasses; pass++) {
            const sealed = await seal(input, key);
            if (sealed) return sealed;
        }
        throw new TransientError(`The case ${input.incidentId} changed while it was being sealed`);
    },
});
