/** How much a finding on a disk matters, the gravest first. By itself, since the report's page uses it and must not carry schemas along. */
export const severities = ["critical", "high", "medium", "low", "informational"] as const;
export type Severity = (typeof severities)[number];
