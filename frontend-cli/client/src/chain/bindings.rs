//! Solidity interfaces: the parts of the Cartesi Rollups contracts and ERC-20 in use here, as they
//! are in 2.2.0 where nothing else is said.

use alloy::sol;

sol! {
    #[derive(Debug)]
    interface InputBox {
        event InputAdded(address indexed appContract, uint256 indexed index, bytes input);

        function addInput(address appContract, bytes payload) external returns (bytes32);
        function getNumberOfInputs(address appContract) external view returns (uint256);
        function getInputHash(address appContract, uint256 index) external view returns (bytes32);
        function getDeploymentBlockNumber() external view returns (uint256);
    }

    interface EtherPortal {
        function depositEther(address appContract, bytes execLayerData) external payable;
    }

    interface ERC20Portal {
        function depositERC20Tokens(
            address token, address appContract, uint256 value, bytes execLayerData
        ) external;
    }

    /// What a deposit would come to; see `contracts/src/DepositProbe.sol`.
    interface DepositProbe {
        function probe(address token, address portal, address app, uint256 value)
            external returns (uint256 paid, uint256 received);
    }

    /// Encoding of an input in the InputBox, and its data availability.
    interface Inputs {
        function EvmAdvance(
            uint256 chainId,
            address appContract,
            address msgSender,
            uint256 blockNumber,
            uint256 blockTimestamp,
            uint256 prevRandao,
            uint256 index,
            bytes payload
        ) external;
        function InputBox(address inputBox) external;
    }

    /// Encoding of an application's outputs.
    interface Outputs {
        function Voucher(address destination, uint256 value, bytes payload) external;
        function DelegateCallVoucher(address destination, bytes payload) external;
        function Notice(bytes payload) external;
    }

    #[derive(Debug)]
    struct OutputValidityProof {
        uint64 outputIndex;
        bytes32[] outputHashesSiblings;
    }

    #[derive(Debug)]
    interface Application {
        event OutputExecuted(uint64 outputIndex, bytes output);
        event OutputsMerkleRootValidatorChanged(address newOutputsMerkleRootValidator);

        function executeOutput(bytes output, OutputValidityProof proof) external;
        function validateOutput(bytes output, OutputValidityProof proof) external view;
        function wasOutputExecuted(uint256 outputIndex) external view returns (bool);
        function getTemplateHash() external view returns (bytes32);
        function getOutputsMerkleRootValidator() external view returns (address);
        function getDeploymentBlockNumber() external view returns (uint256);
        function getDataAvailability() external view returns (bytes);
    }

    #[derive(Debug)]
    interface Authority {
        event ClaimSubmitted(
            address indexed submitter,
            address indexed appContract,
            uint256 lastProcessedBlockNumber,
            bytes32 outputsMerkleRoot
        );
        event ClaimAccepted(
            address indexed appContract,
            uint256 lastProcessedBlockNumber,
            bytes32 outputsMerkleRoot
        );

        function submitClaim(
            address appContract, uint256 lastProcessedBlockNumber, bytes32 outputsMerkleRoot
        ) external;
        function getEpochLength() external view returns (uint256);
        function isOutputsMerkleRootValid(address appContract, bytes32 outputsMerkleRoot)
            external view returns (bool);
    }

    /// The consensus contracts of 3.0.0-alpha.6: a claim is staged, and accepted later.
    #[derive(Debug)]
    interface StagedConsensus {
        event ClaimStaged(
            address indexed appContract,
            uint256 lastProcessedBlockNumber,
            bytes32 outputsMerkleRoot,
            bytes32 machineMerkleRoot
        );
        event ClaimAccepted(
            address indexed appContract,
            uint256 lastProcessedBlockNumber,
            bytes32 outputsMerkleRoot,
            bytes32 machineMerkleRoot
        );

        function submitClaim(
            address appContract,
            uint256 lastProcessedBlockNumber,
            bytes32 outputsMerkleRoot,
            bytes32[] proof
        ) external;
        function acceptClaim(
            address appContract, uint256 lastProcessedBlockNumber, bytes32 machineMerkleRoot
        ) external;
        function getClaimStagingPeriod() external view returns (uint256);
    }

    /// What applications of 3.0.0-alpha have besides.
    #[derive(Debug)]
    interface Foreclosable {
        event Foreclosure();

        function foreclose() external;
        function isForeclosed() external view returns (bool);
    }

    /// What every contract of 3.0.0-alpha answers, and none of 2.2.0.
    interface Versioned {
        function version() external view returns (
            uint64 major, uint64 minor, uint64 patch, string prerelease, string build
        );
    }

    #[derive(Debug)]
    interface ApplicationFactory {
        event ApplicationCreated(
            address indexed outputsMerkleRootValidator, address appOwner, bytes32 templateHash,
            bytes dataAvailability, address appContract
        );

        function newApplication(
            address outputsMerkleRootValidator,
            address appOwner,
            bytes32 templateHash,
            bytes dataAvailability,
            bytes32 salt
        ) external returns (address);
        function calculateApplicationAddress(
            address outputsMerkleRootValidator,
            address appOwner,
            bytes32 templateHash,
            bytes dataAvailability,
            bytes32 salt
        ) external view returns (address);
    }

    interface SelfHostedApplicationFactory {
        function deployContracts(
            address authorityOwner,
            uint256 epochLength,
            address appOwner,
            bytes32 templateHash,
            bytes dataAvailability,
            bytes32 salt
        ) external returns (address application, address authority);
        function calculateAddresses(
            address authorityOwner,
            uint256 epochLength,
            address appOwner,
            bytes32 templateHash,
            bytes dataAvailability,
            bytes32 salt
        ) external view returns (address application, address authority);
    }

    interface ERC20 {
        function decimals() external view returns (uint8);
        function symbol() external view returns (string);
        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function transfer(address to, uint256 value) external returns (bool);
    }

    /// Custom errors of those contracts, and the two reverts of Solidity itself.
    #[derive(Debug)]
    interface Refusals {
        error Error(string reason);
        error Panic(uint256 code);
        error InputTooLarge(address appContract, uint256 inputLength, uint256 maxInputLength);
        error EtherTransferFailed();
        error ERC20TransferFailed();
        error InsufficientFunds(uint256 value, uint256 balance);
        error InvalidOutputHashesSiblingsArrayLength();
        error InvalidOutputsMerkleRoot(bytes32 outputsMerkleRoot);
        error OutputNotExecutable(bytes output);
        error OutputNotReexecutable(bytes output);
        error NotEpochFinalBlock(uint256 lastProcessedBlockNumber, uint256 epochLength);
        error NotFirstClaim(address appContract, uint256 lastProcessedBlockNumber);
        error NotPastBlock(uint256 lastProcessedBlockNumber, uint256 currentBlockNumber);
        error OwnableUnauthorizedAccount(address account);
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error SafeERC20FailedOperation(address token);
    }
}
