/** The timeline's lanes, from the top down. By itself, since the report's page uses it and must not carry schemas along. */
export const lanes = ["log-ins", "commands", "files", "logs", "response"] as const;
/** What kind of thing an event is; `response` is what the detector saw and we did. */
export type Lane = (typeof lanes)[number];
