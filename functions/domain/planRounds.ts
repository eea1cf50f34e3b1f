/**
 * In which rounds the volumes of an incident are analysed: one forensic instance takes so many and no more, so each round has an instance, volumes,
 * command, results and tear-down of its own, one round after the other. Pure.
 *
 * What an earlier execution of the incident analysed, and whose results stand, is in no round: a resumed one reads what is left, which may be a round
 * that failed, a copy that came late, or nothing. Rounds are counted over all executions, so that no number means two hosts.
 *
 * As few rounds as there can be, since a volume group or an array is only read where all of its disks hang on one instance; and rounds of one
 * size, since an instance with places left gives more of its evidence a work volume, whose journal is replayed.
 */
import type { Custody, Evidence, EvidenceSnapshot, ForensicHost } from "./containers";
import { inOrder, mostVolumes } from "./planVolumes";

/** An instance of EC2 has at most 128 volumes: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/volume_limits.html */
export const mostRounds = 5;

/**
 * Root first, then by device; every snapshot is in exactly one round.
 *
 * @returns the rounds in their order, none where there is no snapshot; what {@link mostRounds} instances do not take is in the last ones, which name it
 */
export function planRounds(snapshots: readonly EvidenceSnapshot[]): EvidenceSnapshot[][] {
    const ordered = inOrder(snapshots);
    const count = Math.min(mostRounds, Math.ceil(ordered.length / mostVolumes));
    return Array.from({ length: count }, (_, index) =>
        ordered.slice(Math.floor((index * ordered.length) / count), Math.floor(((index + 1) * ordered.length) / count)),
    );
}

/** The round that an instance was started for. @returns 1 for the first, and where there is only one */
export const roundOf = ({ round }: Pick<ForensicHost, "round">): number => round ?? 1;

/** What was analysed before this execution of the incident. */
export interface AnalysedBefore {
    /** Evidence snapshots whose results stand. */
    analysed: string[];
    /** The last round that an analysis was sent in. */
    roundsBefore: number;
}

/** The snapshots that nobody has analysed yet. */
const open = ({ snapshots, analysed = [] }: Pick<Evidence, "snapshots" | "analysed">): EvidenceSnapshot[] =>
    snapshots.filter(({ evidenceSnapshotId }) => !analysed.includes(evidenceSnapshotId));

/** The evidence with the rounds that are to be done: of what was analysed before, nothing is read again. */
export function withRounds(evidence: Evidence, { analysed, roundsBefore }: AnalysedBefore): Evidence {
    const known = evidence.snapshots.map(({ evidenceSnapshotId }) => evidenceSnapshotId).filter((id) => analysed.includes(id));
    return { ...evidence, analysed: known, roundsBefore, rounds: planRounds(open({ ...evidence, analysed: known })).length };
}

/** Whether the workflow has the report written after its last round. Else the one manifest that is to come starts it: nobody waits for the tear-down. */
export const reportedByWorkflow = ({ rounds = 1, roundsBefore = 0 }: Pick<Evidence, "rounds" | "roundsBefore">): boolean =>
    rounds !== 1 || roundsBefore > 0;

/** The number of the last round. */
export const lastRound = ({ rounds = 1, roundsBefore = 0 }: Pick<Evidence, "rounds" | "roundsBefore">): number => roundsBefore + rounds;

/** The evidence with the snapshots of one round alone. */
export const evidenceOfRound = (evidence: Evidence, round: number): Evidence => ({
    ...evidence,
    snapshots: planRounds(open(evidence))[round - 1 - (evidence.roundsBefore ?? 0)] ?? [],
});

/** What one round's analysis was sent to, and where its results lie. */
export type Analysed = NonNullable<Custody["furtherRounds"]>[number];

/** Every analysis whose results count, in the order of the rounds. */
export const analysesOf = ({
    host,
    resultsPrefix,
    sentAt,
    furtherRounds = [],
}: Pick<Custody, "host" | "resultsPrefix" | "sentAt" | "furtherRounds">): Analysed[] => [
    { host, resultsPrefix, ...(sentAt === undefined ? {} : { sentAt }) },
    ...furtherRounds,
];

/** Snapshots that an analysis read. */
export const snapshotsOf = ({ host }: Pick<Analysed, "host">): string[] => [
    ...new Set(host.volumes.filter(({ purpose }) => purpose === "evidence").map(({ snapshotId }) => snapshotId)),
];

/** What was sent until now, and the newest: see {@link withAnalysis}. */
export interface SentAnalyses {
    counting: [Analysed, ...Analysed[]];
    superseded: Analysed[];
}

/**
 * The analyses with one more. An earlier execution's counts while its results stand, and this one's while no other took its round; all others are
 * superseded, and stay on record as such.
 *
 * @param before what was sent until now
 */
export function withAnalysis(
    before: { counting: readonly Analysed[]; superseded: readonly Analysed[] },
    evidence: Pick<Evidence, "analysed" | "roundsBefore">,
    sent: Analysed,
): SentAnalyses {
    const { analysed = [], roundsBefore = 0 } = evidence;
    const others = before.counting.filter(({ resultsPrefix }) => resultsPrefix !== sent.resultsPrefix);
    const counts = (one: Analysed) =>
        roundOf(one.host) > roundsBefore
            ? roundOf(one.host) !== roundOf(sent.host)
            : snapshotsOf(one).length > 0 && snapshotsOf(one).every((id) => analysed.includes(id));
    return {
        counting: [...others.filter(counts), sent].sort((left, right) => roundOf(left.host) - roundOf(right.host)) as [
            Analysed,
            ...Analysed[],
        ],
        superseded: [...before.superseded, ...others.filter((one) => !counts(one))],
    };
}

/** Volumes that a forensic instance went without, unless another one had them. */
export function missingOnHosts(analyses: readonly Analysed[]): ForensicHost["missing"] {
    const had = new Set(analyses.flatMap(({ host }) => host.volumes.map((one) => `${one.purpose}/${one.sourceVolumeId}`)));
    return analyses.flatMap(({ host }) => host.missing.filter((one) => !had.has(`${one.purpose}/${one.sourceVolumeId}`)));
}

/** A round of which there are no results. */
export interface FailedRound {
    round: number;
    of: number;
    /** The victim's volumes that it was to read. */
    volumeIds: string[];
}

/** Rounds of the evidence whose results are not among those that were read. @param read rounds whose manifest is there */
export function failedRounds(
    evidence: Pick<Evidence, "snapshots" | "analysed" | "roundsBefore">,
    read: ReadonlySet<number>,
): FailedRound[] {
    const { roundsBefore = 0 } = evidence;
    const rounds = planRounds(open(evidence));
    return rounds.flatMap((round, index) =>
        read.has(roundsBefore + index + 1)
            ? []
            : [{ round: roundsBefore + index + 1, of: roundsBefore + rounds.length, volumeIds: round.map(({ volumeId }) => volumeId) }],
    );
}
