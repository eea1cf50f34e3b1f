/** Deploys intakeProgram.ts onto the local AWS as a rehearsal deploys the whole program, and prints what it exports. A process of its own, since Pulumi's state is global. */
import { localClients } from "../../../rehearsal/deploy/localClients";
import { deployProgram } from "../../../rehearsal/deploy/program";

const [endpoint, forensics, member, region] = process.argv.slice(2) as [string, string, string, string];
void deployProgram({
    clients: localClients(endpoint),
    defaults: { accountId: forensics, region },
    program: require.resolve("./intakeProgram"),
    config: { settings: JSON.stringify({ forensics: { accountId: forensics }, regions: [region], members: [{ accountId: member }] }) },
    secretKeys: [],
}).then(
    ({ outputs }) => console.log(JSON.stringify(outputs)),
    (error: Error) => {
        console.error(error.message);
        process.exitCode = 1;
    },
);
