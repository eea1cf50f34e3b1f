/** The timeline's lanes, from the top down. By itself, since the report's page uses it and must not carry schemas along. */
export const lanes = ["log-ins", "commands", "files", "logs", "control plane", "response"] as const;
/** What kind of thing an event is; `control plane` is what CloudTrail and GuardDuty saw, `response` what the detector saw and we did. */
export type Lane = (typeof lanes)[number];
