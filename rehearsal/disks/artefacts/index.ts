/** All that is planted, in the order of the night. */
import { accessArtefacts } from "./access";
import { type Artefact } from "./artefact";
import { executionArtefacts } from "./execution";
import { webRootArtefacts } from "./webRoot";

export const artefacts: readonly Artefact[] = [...accessArtefacts, ...executionArtefacts, ...webRootArtefacts];
export { deletedFiles, oddities } from "./oddities";
