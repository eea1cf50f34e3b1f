/** Configuration, a secret and a component: a program that needs no AWS. */
import * as pulumi from "@pulumi/pulumi";

class Part extends pulumi.ComponentResource {
    constructor(name: string) {
        super("test:index:Part", name);
        this.registerOutputs();
    }
}
new Part("part");
const config = new pulumi.Config();
export const settings = config.requireObject<{ size: number }>("settings");
export const length = config.requireSecret("webhook").apply((webhook) => webhook.length);
