/** The name under which a readiness check's calls stand in a member's CloudTrail. Pure. */

const prefix = "clean-room-readiness-";

/** Each Region checks by itself, as the same role: only the session says which of them called. At most 64 characters of `[\w+=,.@-]`, as IAM takes. */
export const readinessSession = (region: string): string => `${prefix}${region}`;

/** The Region of such a session; null where it is none. */
export const regionOfReadinessSession = (session: string): string | null =>
    session.startsWith(prefix) ? session.slice(prefix.length) : null;
