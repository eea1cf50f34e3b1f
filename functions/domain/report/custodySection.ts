/** The chain of custody: from the finding to the manifest, every hand-over with its identifiers and hashes. */
import type { Containment, Custody, ForensicHost } from "../containers";
import { receivedMessage } from "../evidenceKeys";
import { analysesOf, roundOf } from "../planRounds";
import type { ReportInput } from "./assessment";
import { bytes, duration, list, time } from "./format";
import { html, type Html } from "./html";
import { bullets, code, facts, hash, table } from "./table";

const codes = (ids: readonly string[]) =>
    ids.length === 0 ? html`<span class="absent">none</span>` : ids.map((id, index) => html`${index > 0 ? ", " : null}${code(id)}`);

function containmentStep(containment: Containment | null): Html {
    if (!containment) {
        return html`<li><h3>Containment</h3><p class="warning">Containment failed. The instance must be treated as still connected.</p></li>`;
    }
    const changed = containment.outcome === "contained";
    return html`<li><h3>Containment</h3>
${containment.contained ? null : html`<p class="warning">${containment.outcome === "observed" ? "Observed, not contained, as configured: nothing was changed." : "The instance is not contained."}</p>`}
${facts([
    ["Started", time(containment.startedAt)],
    ["Decided", containment.decision && containment.decision.reason],
    ["Contained", containment.containedAt && time(containment.containedAt)],
    ["VPC", code(containment.vpcId)],
    ["Isolation group", containment.isolationGroupId !== "" && code(containment.isolationGroupId)],
    ["Taken out of target groups", containment.targetGroups.length > 0 && codes(containment.targetGroups)],
    ["Detached from Auto Scaling group", containment.autoScalingGroup],
    [
        changed ? "Restore record" : "Instance as read",
        html`<code>s3://${containment.restoreRecord.bucket}/${containment.restoreRecord.key}</code><br>${hash(containment.restoreRecord.sha256)}`,
    ],
])}
${table(
    "Network interfaces",
    [
        { title: "Interface", kind: "code" },
        { title: "Groups before", kind: "code" },
        { title: "Groups after", kind: "code" },
    ],
    containment.interfaces.map(({ networkInterfaceId, groupsBefore, groupsAfter }) => [
        code(networkInterfaceId),
        codes(groupsBefore),
        codes(groupsAfter),
    ]),
)}
<p class="note">Every step stands under <a href="#containment">Containment</a>.</p>
</li>`;
}

function snapshotStep({ evidence }: Custody): Html {
    return html`<li><h3>Snapshots</h3>
${table(
    "One point in time, one locked copy a volume",
    [
        { title: "Volume", kind: "code" },
        { title: "Source snapshot", kind: "code" },
        { title: "Shared under the evidence key", kind: "code" },
        { title: "Evidence snapshot", kind: "code" },
        { title: "Lock" },
    ],
    evidence.snapshots.map((snapshot) => [
        html`${code(snapshot.volumeId)}<br><span class="note">${snapshot.device}, ${snapshot.sizeGiB} GiB${snapshot.root ? ", root" : ""}</span>`,
        html`${code(snapshot.sourceSnapshotId)}<br><span class="note">${time(snapshot.startedAt)}</span>`,
        snapshot.sharedSnapshotId === null ? html`<span class="absent">not needed</span>` : code(snapshot.sharedSnapshotId),
        html`${code(snapshot.evidenceSnapshotId)}${snapshot.inheritedFrom ? html`<br><span class="note">taken over from ${snapshot.inheritedFrom}, since when the instance stayed contained</span>` : null}`,
        html`${snapshot.lock.mode}<br><span class="note">until ${time(snapshot.lock.expiresAt)}</span>`,
    ]),
)}
${evidence.missing.length === 0 ? null : html`<p class="warning">Not preserved:</p>${bullets(evidence.missing.map(({ volumeId, device, why }) => `${volumeId} (${device}): ${why}`))}`}
${evidence.anomalies.length === 0 ? null : html`<p class="warning">Out of the ordinary:</p>${bullets(evidence.anomalies)}`}
</li>`;
}

/** The instance that the volumes asked for, the time and what both cost: a plan, since the bill comes later. */
const sizeWords = ({ instanceType, gibibytes, expectedSeconds, timeoutSeconds, dollars }: NonNullable<Custody["host"]["plan"]>): string =>
    [
        `${instanceType} for ${gibibytes.toLocaleString("en-GB")} GiB`,
        expectedSeconds !== null && `all of it read in about ${duration(expectedSeconds)}`,
        `stopped after ${duration(timeoutSeconds)}`,
        dollars !== null && `about ${dollars.toFixed(2)} US dollars for instance and volumes at list prices of us-east-1`,
    ]
        .filter(Boolean)
        .join("; ");

function hashStep({ summary, custody }: ReportInput): Html {
    const hosts = analysesOf(custody).map(({ host }) => host);
    const attached = (sourceVolumeId: string) =>
        hosts
            .flatMap(({ volumes }) => volumes)
            .filter((volume) => volume.sourceVolumeId === sourceVolumeId)
            .map(
                ({ purpose, volumeId }, index) =>
                    html`${index > 0 ? html`<br>` : null}${code(volumeId)}<br><span class="note">${purpose}</span>`,
            );
    /** The victim's volumes that one instance had, which alone it could put together where they are parts of a whole. */
    const together = ({ volumes }: ForensicHost) => [...new Set(volumes.map(({ sourceVolumeId }) => sourceVolumeId))].join(", ");
    return html`<li><h3>Evidence volumes</h3>
${
    hosts.length > 1
        ? html`<p class="note">Analysed in rounds, each on an instance of its own: volumes of different rounds were read apart. A volume group or an array whose disks fall into different rounds could not be put together, and is not read.</p>`
        : null
}
${hosts.map((host) =>
    facts([
        [hosts.length === 1 ? "Forensic instance" : `Forensic instance of round ${roundOf(host)}`, code(host.instanceId)],
        ["Volumes read together", hosts.length === 1 ? null : together(host)],
        ["Image", code(host.imageId)],
        ["Availability Zone", host.availabilityZone],
        ["Size", host.plan && sizeWords(host.plan)],
    ]),
)}
${
    summary === null
        ? html`<p class="warning">summary.json could not be read: the hashes are not known.</p>`
        : table(
              "Never mounted, hashed, and seen not to change",
              [
                  { title: "Source volume", kind: "code" },
                  { title: "Attached as", kind: "code" },
                  { title: "SHA-256, and again where it was hashed twice" },
                  { title: "Unchanged" },
              ],
              summary.volumes.map((volume) => [
                  html`${code(volume.volumeId)}<br><span class="note">${bytes(volume.sizeBytes)}</span>`,
                  attached(volume.volumeId),
                  html`${hash(volume.evidenceSha256Before)}${volume.evidenceSha256After === null && volume.unchangedBy === "write-counters" ? null : html`<br>${hash(volume.evidenceSha256After)}`}`,
                  volume.intact && volume.evidenceSha256Before !== null && volume.evidenceSha256Before === volume.evidenceSha256After
                      ? "yes"
                      : volume.intact && volume.evidenceSha256Before !== null && volume.unchangedBy === "write-counters"
                        ? "yes, by its write counters"
                        : html`<strong>no</strong>`,
              ]),
          )
}
</li>`;
}

function objectTable({ manifest }: ReportInput): Html | null {
    if (manifest.objects.length === 0) return null;
    return table(
        "Outputs against the manifest",
        [{ title: "Object", kind: "code" }, { title: "State" }, { title: "Size", kind: "number" }, { title: "SHA-256" }],
        manifest.objects.map(({ name, state, found, sha256 }) => [
            code(name),
            state === "match" ? "matches" : html`<strong>${state}</strong>`,
            found && bytes(found.bytes),
            state === "match"
                ? hash(sha256)
                : html`${hash(sha256)} <span class="note">in the manifest</span>${found ? html`<br>${hash(found.sha256)} <span class="note">in the bucket</span>` : null}`,
        ]),
    );
}

function toolStep(input: ReportInput): Html {
    const { summary, custody, manifest } = input;
    const extra = Object.entries(summary?.tool ?? {}).filter(
        ([name, value]) => !["name", "version"].includes(name) && typeof value === "string",
    );
    return html`<li><h3>Analysis and manifest</h3>
${facts([
    ["Program", summary && `${summary.tool.name} ${summary.tool.version}`],
    ["With", extra.length > 0 && list(extra.map(([name, value]) => `${name} ${String(value)}`))],
    ["Archive that ran, SHA-256", hash(custody.toolSha256)],
    ["Started", summary && time(summary.startedAt)],
    ["Finished", summary && time(summary.finishedAt)],
    ...[manifest.ref, ...(manifest.further ?? [])].flatMap((ref): [string, Html][] => [
        ["Manifest", html`<code>s3://${ref.bucket}/${ref.key}</code>`],
        ["Manifest, SHA-256", hash(ref.sha256)],
    ]),
])}
${objectTable(input)}
<p class="note">To verify by hand, fetch the folder of the manifest and run <code>sha256sum --check manifest.sha256</code> in it.</p>
</li>`;
}

export function custodySection(input: ReportInput): Html {
    const { incident, findings } = input.custody;
    const joined = findings.filter(({ id }) => id !== incident.finding.id);
    // The name of each message is the SHA-256 of its bytes.
    const messages = [
        ...new Set(
            [incident.finding, ...joined].flatMap(({ message }) =>
                message ? [`${incident.prefix}${receivedMessage(message.sha256)}`] : [],
            ),
        ),
    ];
    return html`<section id="custody">
<h2>Chain of custody</h2>
<ol class="chain">
<li><h3>Finding</h3>
${facts([
    ["Finding", code(incident.finding.id)],
    ["Joined by", joined.length > 0 && codes(joined.map(({ id }) => id))],
    ["Received as", messages.length > 0 && html`${messages.map((name, index) => html`${index > 0 ? html`<br>` : null}${code(name)}`)}`],
    ["Incident", code(incident.incidentId)],
    ["Opened", time(incident.openedAt)],
    ["Instance", code(incident.instance.instanceId)],
])}
</li>
${containmentStep(input.custody.containment)}
${snapshotStep(input.custody)}
${hashStep(input)}
${toolStep(input)}
</ol>
</section>`;
}
