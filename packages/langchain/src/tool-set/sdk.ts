import { CredenceError } from '@credence/core';
import { connectV1 } from '../facade/v1-connection.ts';

/** Opens a connection with one of the SDKs. */
export type ConnectWithSdk = typeof connectV1;

/** Throws `invalid_configuration` if the SDK is not installed. */
export async function connectWith(sdk: 'v1' | 'v2'): Promise<ConnectWithSdk> {
  if (sdk === 'v1') return connectV1;
  try {
    return (await import('../facade/v2-connection.ts')).connectV2;
  } catch (cause) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: "loadTools has the option sdk: 'v2', but the package @modelcontextprotocol/client cannot be loaded.",
      remedy: "Install version 2 of @modelcontextprotocol/client, or remove the option sdk: 'v2'.",
      contact: 'you',
      cause,
    });
  }
}
