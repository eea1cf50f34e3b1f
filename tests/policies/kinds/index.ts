import * as pulumi from "@pulumi/pulumi";
import { componentOf, kinds } from "../../../policies/testing/kinds/all";

// All cases in one program, since the engine takes longer to start than to judge; each below a component of its own (see ../together).
const state = require("@pulumi/pulumi/runtime/state") as {
    getStackResource(): pulumi.Resource;
    setStackResource(stack: pulumi.Resource): void;
};
const stack = state.getStackResource();
for (const { name, program } of kinds.flatMap(({ cases }) => cases)) {
    state.setStackResource(new pulumi.ComponentResource(componentOf(name), name));
    program();
    state.setStackResource(stack);
}
