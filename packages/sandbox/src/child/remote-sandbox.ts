import type { SandboxAuditListener } from '../audit/audit-trail.ts';
import type { Policy } from '../policy/policy.ts';
import type { Channel } from './channel.ts';
import type { ChildPolicy, ChildSandbox } from './child-sandbox.ts';
import type { Description, PolicyCall } from './messages.ts';

type Remote = Omit<ChildSandbox<string, string, string>, 'pid' | 'close' | typeof Symbol.asyncDispose>;

/** The interface of a sandbox whose methods call the child process. */
export function remoteSandbox(
  { idp, authorizationServers, servers, principals }: Description,
  channel: Channel,
  listeners: Set<SandboxAuditListener>,
): Remote {
  const call: Channel['call'] = (operation, ...args) => channel.call(operation, ...args);
  return {
    idp: { ...idp, requests: () => call('issuerRequests'), rotateSigningKey: () => call('rotateSigningKey') },
    authorizationServers: mapped(authorizationServers, (server, name) => ({
      ...server,
      requests: () => call('issuerRequests', name),
      revokeTokens: (filter) => call('revokeTokens', name, filter),
    })),
    servers: mapped(servers, (server, name) => ({
      ...server,
      requests: () => call('mcpRequests', name),
      dropSessions: () => call('dropSessions', name),
    })),
    principals,
    policy: remotePolicy(call),
    userToken: (user, options) => call('userToken', user, options),
    audit: {
      records: () => call('records'),
      calls: () => call('calls'),
      subscribe(listener) {
        // a Set holds a function once: the wrapper makes two subscriptions of one function distinct
        const entry: SandboxAuditListener = (record) => listener(record);
        listeners.add(entry);
        return () => void listeners.delete(entry);
      },
    },
  };
}

const METHODS: readonly (keyof Policy)[] = [
  'grant',
  'revokeScope',
  'pauseServer',
  'resumeServer',
  'disablePrincipal',
  'enablePrincipal',
  'addToGroup',
  'removeFromGroup',
  'snapshot',
];

function remotePolicy(call: Channel['call']): ChildPolicy {
  // each method has the arguments and the result of the method of the same name in `Policy`
  return Object.fromEntries(
    METHODS.map((method) => [method, (...args: unknown[]) => call('policy', ...([method, ...args] as PolicyCall))]),
  ) as unknown as ChildPolicy;
}

function mapped<In, Out>(record: Readonly<Record<string, In>>, map: (value: In, name: string) => Out) {
  return Object.fromEntries(Object.entries(record).map(([name, value]): [string, Out] => [name, map(value, name)]));
}
