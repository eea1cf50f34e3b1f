/** Every incident with its state, containment, evidence, who decided, and cost a day. Pure: what was read in, rows and lines out. */
import type { CaseItem } from "../../functions/aws/pinsTable";
import type { IncidentRecord } from "../../functions/domain/incidentRecord";
import { gp3, instanceType } from "../../functions/domain/instanceTypes";
import type { SnapshotLock, SnapshotState } from "../../functions/domain/preservation";
import type { StandingContainment } from "../../functions/domain/standingContainment";
import { visible } from "../../functions/domain/visibleText";
import prices from "../cost/prices.json";

/** A forensic instance that lives. */
export interface LivingHost {
    incidentId: string;
    instanceId: string;
    instanceType: string;
}

export interface IncidentsRead {
    records: readonly IncidentRecord[];
    cases: readonly CaseItem[];
    standing: readonly StandingContainment[];
    /** Null where EC2 did not tell. */
    ec2: { snapshots: readonly SnapshotState[]; locks: ReadonlyMap<string, SnapshotLock>; hosts: readonly LivingHost[] } | null;
    /** Why something is not known. */
    problem?: string;
}

/** One incident, as `--json` prints it. */
export interface IncidentRow {
    incidentId: string;
    accountId: string;
    region: string;
    instanceId: string;
    openedAt: string;
    /** `held`: it waits for a person before its start; `closed`: somebody closed the case. */
    state: "held" | "open" | "contained" | "observed" | "released" | "closed";
    findings: number;
    gravestFinding: { type: string; severity: number };
    /** Null where the instance does not stand contained for this incident. */
    containment: {
        since: string;
        /** ISO 8601 of the watch's last look; null: none yet. */
        lastCheck: string | null;
        /** `as-left`, `drifted` (and put back), `not-as-left`; null: nobody looked yet. */
        found: "as-left" | "put-back" | "not-as-left" | null;
        retired: boolean;
    } | null;
    evidence: {
        /** Volumes of which a copy was begun. */
        volumes: number;
        /** Of them those that are complete and locked; null where EC2 did not tell. */
        locked: number | null;
        gibibytes: number | null;
        /** When the first lock ends. */
        until: string | null;
    };
    /** Who decided about containment, and what. */
    decidedBy: string;
    forensicInstance: string | null;
    /** US dollars of locked snapshots, and of a forensic instance with its volumes while it lives; null where EC2 did not tell. */
    dollarsADay: number | null;
}

const dollarsSnapshotMonth = prices.regions["us-east-1"].snapshotGigabyteMonth;
/** Days of a month, as AWS reckons 730 hours. */
const monthDays = 730 / 24;

function decidedBy({ approval, findings, heldSince }: IncidentRecord): string {
    const answer = approval?.answer;
    if (answer) return `${answer.by}: ${answer.approved ? "contain" : "leave it"}${answer.reason ? ` (${answer.reason})` : ""}`;
    if (heldSince) return "nobody yet: the brake holds";
    if (findings.some(({ mode }) => mode === "automatic")) return "the rules: contain without asking";
    if (approval !== null) return `nobody yet: people are asked until ${approval.expiresAt}`;
    return findings.some(({ mode }) => mode === "approval") ? "nobody yet" : "the rules: observe";
}

function containmentOf(incidentId: string, standing: readonly StandingContainment[]): IncidentRow["containment"] {
    const found = standing.find(({ incidentIds }) => incidentIds.includes(incidentId));
    if (found === undefined) return null;
    const { check, begunAt, retired } = found;
    return {
        since: begunAt,
        lastCheck: check?.at ?? null,
        found:
            check === null
                ? null
                : check.drift.length === 0
                  ? "as-left"
                  : check.repaired.length >= check.drift.length
                    ? "put-back"
                    : "not-as-left",
        retired: Boolean(retired),
    };
}

function evidenceOf(item: CaseItem | undefined, ec2: IncidentsRead["ec2"]): IncidentRow["evidence"] {
    const newest = new Map<string, { generation: number; snapshotId: string }>();
    for (const pin of item?.pins ?? [])
        if (pin.stage === "evidence" && pin.generation >= (newest.get(pin.volumeId)?.generation ?? 0)) newest.set(pin.volumeId, pin);
    const volumes = new Set((item?.pins ?? []).map(({ volumeId }) => volumeId)).size;
    if (ec2 === null) return { volumes, locked: null, gibibytes: null, until: null };
    const ids = new Set([...newest.values()].map(({ snapshotId }) => snapshotId));
    const standing = ec2.snapshots.filter(({ snapshotId, state }) => ids.has(snapshotId) && state === "completed");
    const locks = standing.flatMap(({ snapshotId }) => ec2.locks.get(snapshotId) ?? []);
    return {
        volumes,
        locked: locks.length,
        gibibytes: standing.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0),
        until: locks.map(({ expiresAt }) => expiresAt).sort()[0] ?? null,
    };
}

function dollarsADay(gibibytes: number, host: LivingHost | undefined): number {
    const snapshots = (gibibytes * dollarsSnapshotMonth) / monthDays;
    if (host === undefined) return snapshots;
    const hour = instanceType(host.instanceType)?.dollarsPerHour ?? 0;
    return snapshots + hour * 24 + (2 * gibibytes * gp3.gigabyteMonth) / monthDays;
}

/** The newest first. */
export function incidentRows({ records, cases, standing, ec2 }: IncidentsRead): IncidentRow[] {
    return [...records]
        .sort((left, right) => right.incident.openedAt.localeCompare(left.incident.openedAt))
        .map((record): IncidentRow => {
            const { incidentId, instance, openedAt } = record.incident;
            const item = cases.find((each) => each.incidentId === incidentId);
            const gravest = record.findings.reduce((worst, each) => (each.severity > worst.severity ? each : worst));
            const evidence = evidenceOf(item, ec2);
            const host = ec2?.hosts.find((each) => each.incidentId === incidentId);
            return {
                incidentId,
                accountId: instance.accountId,
                region: instance.region,
                instanceId: instance.instanceId,
                openedAt,
                state: item?.closedAt ? "closed" : record.heldSince ? "held" : record.status,
                findings: record.findings.length,
                gravestFinding: { type: gravest.type, severity: gravest.severity },
                containment: containmentOf(incidentId, standing),
                evidence,
                decidedBy: decidedBy(record),
                forensicInstance: host?.instanceId ?? null,
                dollarsADay: evidence.gibibytes === null ? null : Math.round(dollarsADay(evidence.gibibytes, host) * 100) / 100,
            };
        });
}

const foundWords = { "as-left": "as it was left", "put-back": "drifted and put back", "not-as-left": "NOT as it was left" } as const;

/** What an operator reads: a paragraph an incident. */
export function incidentLines(rows: readonly IncidentRow[]): string[] {
    if (rows.length === 0) return ["No incident in this account and Region."];
    return rows.flatMap(({ containment, evidence, gravestFinding, ...row }) => [
        `${row.incidentId}  ${row.state}`,
        `  instance     ${row.instanceId} in ${row.accountId}/${row.region}, opened ${row.openedAt}`,
        `  finding      ${visible(gravestFinding.type)} (${gravestFinding.severity})${row.findings > 1 ? ` and ${row.findings - 1} more` : ""}`,
        `  decided by   ${visible(row.decidedBy)}`,
        `  containment  ${
            containment === null
                ? "none stands"
                : `since ${containment.since}; ${containment.lastCheck === null || containment.found === null ? "nobody has looked since" : `last looked at ${containment.lastCheck}, ${foundWords[containment.found]}`}${containment.retired ? "; retired" : ""}`
        }`,
        `  evidence     ${
            evidence.volumes === 0
                ? "none"
                : evidence.locked === null
                  ? `${evidence.volumes} volumes; whether they are locked is not known`
                  : `${evidence.locked} of ${evidence.volumes} volumes locked, ${evidence.gibibytes} GiB${evidence.until === null ? "" : `, until ${evidence.until}`}`
        }`,
        `  cost         ${row.dollarsADay === null ? "not known" : `${row.dollarsADay === 0 && (evidence.gibibytes ?? 0) > 0 ? "under 0.01" : row.dollarsADay.toFixed(2)} US dollars a day${row.forensicInstance === null ? "" : `, with the forensic instance ${row.forensicInstance}`}`}`,
    ]);
}
