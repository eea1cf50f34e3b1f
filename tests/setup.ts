import { buildReportProgram } from "../packaging/reportProgram";
// Before any spec: nothing in a test may reach AWS or a Pulumi back end by way of what the machine happens to have configured.
for (const name of Object.keys(process.env)) {
    if (/^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|ROLE_ARN|WEB_IDENTITY_TOKEN_FILE|CONTAINER_.*)$/.test(name)) {
        delete process.env[name];
    }
}
process.env.AWS_EC2_METADATA_DISABLED = "true";
process.env.AWS_REGION ??= "eu-west-1";

// As the bundle of a function has it; built when a spec first renders a report.
Object.defineProperty(globalThis, "REPORT_PROGRAM", { get: buildReportProgram, configurable: true });
