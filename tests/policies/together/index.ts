import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";

// The engine takes some ten seconds to start, so that the variants are previewed in one program. Each one's resources get a component as
// their parent, whose type is in their URN: equal names do not collide, and every violation says whose it is.
const state = require("@pulumi/pulumi/runtime/state") as {
    getStackResource(): pulumi.Resource;
    setStackResource(stack: pulumi.Resource): void;
};

class Variant extends pulumi.ComponentResource {
    constructor(name: string) {
        super(`bad:variant:${name}`, name);
    }
}

const folder = path.resolve(__dirname, "../variants");
const stack = state.getStackResource();
for (const name of readdirSync(folder).sort()) {
    const program = path.join(folder, name, "index.ts");
    // One that announces an estate, or configures the pack, speaks for the whole stack, and has a program to itself.
    if (
        readFileSync(program, "utf8").includes("ec2-clean-room:index:Accounts") ||
        existsSync(path.join(folder, name, "pack-config.json"))
    ) {
        continue;
    }
    state.setStackResource(new Variant(name));
    require(program);
    state.setStackResource(stack);
}
