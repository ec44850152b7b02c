import { answer } from '../processes/rpc.ts';
import { startAuthorizationServer } from './authorization-server.ts';
import { registerClient, type RegisteredClient } from './clients.ts';
import { type Idp, startIdp } from './idp.ts';
import { startMcpServer } from './mcp-server.ts';
import { type Addresses, type Behaviour, type Counts, noCounts, State } from './state.ts';

const state = new State();

async function open(): Promise<Addresses> {
  const idpClient = await registerClient('bench-bot', 'secret-at-the-idp');
  const asClient = await registerClient('bench-bot-at-as', 'secret-at-the-as');
  let idp: Idp | undefined;
  const as = await startAuthorizationServer(state, asClient, () => {
    if (!idp) throw new Error('the IdP is not started');
    return idp;
  });
  idp = await startIdp(state, idpClient, () => asClient.clientId);
  const mcp = await startMcpServer(state, as.issuer);
  return {
    idp: idp.issuer,
    as: as.issuer,
    mcp,
    idpClient: credentialsOf(idpClient),
    asClient: credentialsOf(asClient),
  };
}

function credentialsOf({ clientId, privateKey, secret }: RegisteredClient): Addresses['idpClient'] {
  return { clientId, privateKey, secret };
}

const methods = {
  open,
  /** Deletes all tokens and counts, and sets the behaviour. */
  reset: async (behaviour: Behaviour) => state.reset(behaviour),
  resetCounts: async () => {
    state.counts = noCounts();
  },
  counts: async (): Promise<Counts> => state.counts,
  revoke: async () => state.tokens.clear(),
};
export type WorldMethods = typeof methods;

answer(methods);
