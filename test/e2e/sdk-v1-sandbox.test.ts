import { connectMcp } from '@credence/sdk-adapter';
import { describeInSandbox } from './sdk-sandbox.ts';

describeInSandbox('SDK v1', async (bot, server) => connectMcp(bot, server));
