/**
 * In which rounds the volumes of an incident are analysed: one forensic instance takes so many and no more, so each round has an instance, volumes,
 * command, results and tear-down of its own, one round after the other. Pure.
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

/** The evidence with the snapshots of one round alone. */
export const evidenceOfRound = (evidence: Evidence, round: number): Evidence => ({
    ...evidence,
    snapshots: planRounds(evidence.snapshots)[round - 1] ?? [],
});

/** What one round's analysis was sent to, and where its results lie. */
export type Analysed = Pick<Custody, "host" | "resultsPrefix">;

/** Every analysis that was sent, in the order of the rounds. */
export const analysesOf = ({
    host,
    resultsPrefix,
    furtherRounds = [],
}: Pick<Custody, "host" | "resultsPrefix" | "furtherRounds">): Analysed[] => [{ host, resultsPrefix }, ...furtherRounds];

/** The analyses with one more; it takes the place of an earlier one of the same round, as after a resumed execution. */
export function withAnalysis(analyses: readonly Analysed[], sent: Analysed): [Analysed, ...Analysed[]] {
    const others = analyses.filter(({ host }) => roundOf(host) !== roundOf(sent.host));
    return [...others, sent].sort((left, right) => roundOf(left.host) - roundOf(right.host)) as [Analysed, ...Analysed[]];
}

/** A round of which there are no results. */
export interface FailedRound {
    round: number;
    of: number;
    /** The victim's volumes that it was to read. */
    volumeIds: string[];
}

/** Rounds of the evidence whose results are not among those that were read. @param read rounds whose manifest is there */
export function failedRounds({ snapshots }: Pick<Evidence, "snapshots">, read: ReadonlySet<number>): FailedRound[] {
    const rounds = planRounds(snapshots);
    return rounds.flatMap((round, index) =>
        read.has(index + 1) ? [] : [{ round: index + 1, of: rounds.length, volumeIds: round.map(({ volumeId }) => volumeId) }],
    );
}
