/** Every function of the estate, by its handler's file name (infra/steps.ts). */
import { steps, type StepHandler } from "../../../infra/steps";
import type { Handler } from "./lambdas";

export const handlers = Object.fromEntries(
    (Object.keys(steps) as StepHandler[]).map((name) => [name, (require(`../../../functions/${name}`) as { handler: Handler }).handler]),
) as Record<StepHandler, Handler>;
