/**
 * `npm run incidents -- [--region REGION]`: the instances that stand contained, with the incidents that share each containment.
 *
 * With the operator's own AWS credentials of the forensics account (the default chain; AWS_ENDPOINT_URL is honoured), who needs
 * dynamodb:Query on the incidents table's index and kms:Decrypt on its key. Exit 0 when the list was read, 2 when it could not be.
 */
import { parseArgs } from "node:util";
import { listStanding } from "../functions/aws/standingContainments";
import { incidentsTableName } from "../infra/names";
import { standingLines } from "./standingLines";

async function main(args: string[]): Promise<void> {
    const { values } = parseArgs({ args, options: { region: { type: "string" } } });
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new Error("No Region given. Use --region or AWS_REGION: the Region of the instances.");
    // What the functions read from their environment; the names are the program's.
    Object.assign(process.env, { AWS_REGION: region, INCIDENTS_TABLE: incidentsTableName });
    for (const line of standingLines(await listStanding())) console.log(line);
}

main(process.argv.slice(2)).catch((error: Error) => {
    console.error(
        `${error.name === "Error" ? "" : `${error.name}: `}${error.message}\nCheck the credentials: they must be of the forensics account, and the Region must have a clean room.`,
    );
    process.exitCode = 2;
});
