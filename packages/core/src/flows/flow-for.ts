import { CredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { clientCredentialsFlow, workloadIdentityFlow } from './direct.ts';
import { EnterpriseManagedFlow, type FlowParts } from './enterprise-managed.ts';
import type { Flow } from './flow.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';

/** The flow that is configured for a server. A server never uses another flow. */
export function flowFor(
  runtime: Runtime,
  { idp, server }: { idp: IdpSettings | undefined; server: ServerSettings },
  shared: FlowParts,
): Flow {
  switch (server.flow) {
    case 'enterprise-managed':
      if (!idp) throw unset(server.name, 'idp');
      return new EnterpriseManagedFlow(runtime, { idp, server }, shared);
    case 'client-credentials':
      return clientCredentialsFlow(runtime, server, shared.directory);
    case 'workload-identity':
      if (!server.assertion) throw unset(server.name, `servers.${server.name}.assertion`);
      return workloadIdentityFlow(runtime, server, shared.directory, {
        assertion: server.assertion,
        tokens: shared.subjects,
        known: shared.known,
      });
  }
}

function unset(server: string, option: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${option} is missing.`,
    remedy: `Set ${option}, which the flow of server "${server}" needs.`,
    contact: 'you',
    server,
  });
}
