/** Deploys the program named on the command line and prints its outputs as JSON. A process of its own, since Pulumi's state is global. */
import { localClients } from "../../../rehearsal/deploy/localClients";
import { deployProgram } from "../../../rehearsal/deploy/program";

// Nothing listens here: the programs of these tests do not get as far as a call.
const clients = localClients("http://127.0.0.1:9");
void deployProgram({
    clients,
    defaults: { accountId: "111111111111", region: "eu-west-1" },
    program: require.resolve(process.argv[2]!),
    config: { settings: '{"size":3}', webhook: "http://127.0.0.1" },
    secretKeys: ["webhook"],
}).then(
    ({ outputs, resources }) => console.log(JSON.stringify({ outputs, resources })),
    (error: Error) => {
        console.error(error.message);
        process.exitCode = 1;
    },
);
