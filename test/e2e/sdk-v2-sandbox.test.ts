import { connectMcp } from '@credence/sdk-adapter/v2';
import { describeInSandbox } from './sdk-sandbox.ts';

describeInSandbox('SDK v2', async (bot, server) => connectMcp(bot, server));
