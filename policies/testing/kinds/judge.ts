/** Judges every case on its own, with every value known, and prints what refused it. A process of its own, since Pulumi's state is global. */
import * as pulumi from "@pulumi/pulumi";
import { policies } from "../../pack";
import { judge, typed, type Declared } from "../engine";
import { kinds } from "./all";
import type { Case } from "./support";

async function declared({ program }: Case): Promise<Declared[]> {
    const found: Declared[] = [];
    const providers = new Map<string, object>();
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs: raw, provider, custom }) => {
                const inputs = Object.fromEntries(
                    Object.entries(raw as object).map(([key, value]) => [key, pulumi.runtime.unwrapRpcSecret(value) as unknown]),
                );
                if (type.startsWith("pulumi:providers:")) {
                    providers.set(name, inputs);
                    return { id: name, state: inputs };
                }
                if (!custom) return { id: undefined, state: inputs };
                const id = `${type.split(":").at(-1)!.toLowerCase()}-${name}`;
                const state = { ...inputs, id, arn: inputs.arn ?? `arn:aws:${type.split(/[:/]/)[1]}:eu-west-1:111111111111:${id}` };
                const own = providers.get(provider?.split("::").at(-1) ?? "");
                found.push({ is: typed(type), name, props: state, ...(own === undefined ? {} : { provider: own }) });
                return { id, state };
            },
            call: ({ inputs }) => inputs as object,
        },
        "kinds",
        "spec",
        false,
    );
    await pulumi.runtime.runInPulumiStack(async () => program());
    await pulumi.runtime.disconnect();
    return found;
}

async function main(): Promise<void> {
    const verdicts: Record<string, string[]> = {};
    for (const one of kinds.flatMap(({ cases }) => cases)) {
        const stack = await declared(one);
        if (stack.length === 0) throw new Error(`${one.name} declares nothing.`);
        const refused: string[] = [];
        for (const policy of policies) if ((await judge(policy, stack)).violations.length > 0) refused.push(policy.name);
        verdicts[one.name] = refused;
    }
    console.log(JSON.stringify(verdicts));
}
void main();
