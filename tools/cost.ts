/** `npm run cost`: what a stack costs idle, and an incident of it, from the program's own resources. */
import { endpointServices } from "../functions/domain/endpoints";
import { cleanRoomSubnets } from "../infra/planSubnets";
import { command, UsageError } from "./command";
import { idleCost, incidentCosts, render, type Prices } from "./cost/estimate";
import prices from "./cost/prices.json";
import { stackSettings } from "./coverage/stackSettings";
import { declare } from "./program/declared";

/** Detectors that are another's are taken to be there: they change no price of ours. */
function detectorsOf(settings: ReturnType<typeof stackSettings>): Record<string, string> {
    const accounts = [settings.forensics.accountId, ...settings.members.map(({ accountId }) => accountId)];
    return Object.fromEntries(
        accounts.flatMap((accountId) => settings.coverage.existingRegions.map((region) => [`${accountId}/${region}`, "ENABLED"])),
    );
}

function amount(name: string, text: string | undefined, otherwise: number): number {
    const value = text === undefined ? otherwise : Number(text);
    if (!(value > 0)) throw new UsageError(`--${name} is "${text}"; give a number above zero.`);
    return value;
}

export const cost = command(
    {
        name: "cost",
        summary:
            "Says what a stack costs a month while nothing happens, and what one incident costs, from the resources that the program declares for it.\nNothing is asked of AWS. Prices: tools/cost/prices.json, with their source and month; a Region that it does not have is reckoned at us-east-1's, and the output says so.",
        arguments: "--stack NAME [--gigabytes N] [--hours N] [--years N] [--instance-type TYPE] [--json]",
        options: {
            stack: { type: "string", description: "the stack, as in Pulumi.NAME.yaml", required: true },
            gigabytes: { type: "string", description: "GB of the victim's volumes together; 100 when left out" },
            hours: { type: "string", description: "hours that the analysis takes; 2 when left out" },
            years: { type: "string", description: "years that results are kept; 1 when left out" },
            "instance-type": { type: "string", description: "the forensic instance's type; the stack's when left out" },
            json: { type: "boolean", description: "one object, on stdout" },
        },
        examples: ["npm run cost -- --stack prod", "npm run cost -- --stack dev --gigabytes 500 --hours 6 --json"],
        exitCodes: { 0: "it was reckoned", 2: "wrong usage or configuration" },
        run: async ({ stack, gigabytes, hours, years, "instance-type": instanceType, json }) => {
            const settings = stackSettings(stack);
            const table: Prices = prices;
            const size = {
                gigabytes: amount("gigabytes", gigabytes, 100),
                hours: amount("hours", hours, 2),
                years: amount("years", years, 1),
                endpointZones: settings.network.endpoints === "on-demand" ? endpointServices.length * cleanRoomSubnets : 0,
            };
            const { resources, problems } = await declare(settings, { detectors: detectorsOf(settings) });
            if (problems.length > 0) throw new Error(`The program does not run with this configuration: ${problems.join("; ")}`);
            const idle = idleCost(resources, table);
            const { type, types } = settings.forensicInstance;
            const incidents = incidentCosts(size, settings.regions, (region) => instanceType ?? types[region] ?? type, table);
            console.log(
                json
                    ? JSON.stringify({ stack, prices: { source: table.source, asOf: table.asOf }, idle, incidents })
                    : render(stack, idle, incidents, table, settings.organization !== undefined),
            );
            return 0;
        },
    },
    module,
);
